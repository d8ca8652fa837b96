"""Change data capture: what another PostgreSQL says of a table through a replication slot, and how far it was read.

Judging rows, and storing them, is for others.
"""
