"""Files: their original bytes, the ledger of their versions, loading their rows, and planning a load.

Reading a file's cells belongs to the spreadsheet room; tables without files, to `tables/`.
"""
