"""A document as HTML, Excel, PDF and a preview picture, and the templates by which they look.

Where the files of an edition lie, and which is the newest, belongs to `editions`.
"""
