"""Whether versions in service still hold: their errors on what is new, and drift of what they learned from."""
