"""The promises of the warehouse: its server, tables, files and traces."""
