"""Promises of the spreadsheet room: opening files, finding tables, reading cells, naming bad ones, marking copies."""
