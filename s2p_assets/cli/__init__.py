"""The door for people at a terminal: every `s2p …` command, and how it prints.

What a command does is done by the services behind it. Exit codes: 0 all well; 1 it worked, but something was
returned or needs a person; 2 it could not do it. A command reads its settings before it loads what it needs, which
takes seconds: a wrong one is told at once.
"""

from s2p_assets.cli.app import app, main

__all__ = ["app", "main"]
