"""What `/api/v1` answers, a module for each subject; each route names the role that it needs."""
