"""Streams: events taken by the contract of their shelf file, pushed or read, returned and replayed."""
