"""What an installation says of itself in figures: declared once, measured when somebody asks."""
