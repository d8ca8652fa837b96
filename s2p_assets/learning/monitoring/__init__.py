"""Monitoring: errors of versions in service on what is new, and drift of their data. Training is not here."""
