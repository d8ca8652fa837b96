"""The ways to tell outcomes, one module per idea. What they compete for and who wins is for `champion.py`."""
