"""What to order and when, from forecasts and stock. Forecasts themselves are made in `learning/`."""
