"""Who may come in: users, their sessions and one-time links, tokens of programs, and what is kept to groups.

What a role may do is decided in `services/access.py`; passwords are hashed there too.
"""
