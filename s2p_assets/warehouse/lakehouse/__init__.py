"""Tables of the warehouse as Delta tables, in a folder or in object storage, for programs that read those.

Which tables, and when, is decided in `services/`.
"""
