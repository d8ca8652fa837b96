"""The forecasters, one module per idea. Which of them is in service is for `selection/`."""
