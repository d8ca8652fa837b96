"""Tables that PostgreSQL makes by a select of the shelf: run by a role that may only read, checked, and then stored."""
