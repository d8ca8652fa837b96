"""A first contract for a workbook that nobody has described yet. How a described one is read is beside this room."""
