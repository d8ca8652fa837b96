"""PostgreSQL as s2p uses it: the server, the tables, the files that were loaded into them, and traces back to cells.

Reading spreadsheets belongs to the spreadsheet room; this room knows no company and no Dagster.
"""
