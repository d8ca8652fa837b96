"""Who is told what, once: the address book, letters, the record of what was told, and the ways a message takes.

What there is to tell is found in `services/`; no company, no Dagster and no other tool is known here.
"""
