"""Streams as PostgreSQL keeps them: rows with their offsets, the events as they came, what came back, what was pushed.

Receiving events and judging them does not belong here.
"""
