"""Forecasting: regular series, backtests, scores and quantiles of demand. Its models are in a room of their own."""
