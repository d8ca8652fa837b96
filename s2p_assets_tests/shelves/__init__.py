"""Promises of the shelves: workbooks, tables and feature sets. Reports have a folder of their own."""
