"""What is measured by hand: speed and memory against others and against floors. Nothing here runs with the tests."""
