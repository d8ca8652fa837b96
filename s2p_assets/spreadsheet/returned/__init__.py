"""What goes back to a file's owner: the marked or fresh copy, and knowing it again. Findings are made beside this."""
