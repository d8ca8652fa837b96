"""What was known, week by week, of the example companies' demand."""
