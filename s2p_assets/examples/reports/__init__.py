"""The example companies' reports."""
