"""Tables: their DDL from declared columns, rows in and out, versions of their content, keys, history and references.

Which files the rows came from, and what happened to those files, does not belong here.
"""
