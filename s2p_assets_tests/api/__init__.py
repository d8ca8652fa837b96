"""Tests of the door, all on one installation and one server: see `served.py`."""
