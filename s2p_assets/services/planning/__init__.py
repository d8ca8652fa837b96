"""What planners ask beside the reports: series with their past forecasts, what-ifs, order lists, typed-in cases."""
