"""Getting a connection: to the company's own PostgreSQL or to one that s2p starts itself, and locks between sessions.

What is stored in the database, and under which names, does not belong here.
"""
