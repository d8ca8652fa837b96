"""Remote folders: fetched into the home, looked at like the share, and answered where their owners see it."""
