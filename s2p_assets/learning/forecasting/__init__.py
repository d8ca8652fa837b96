"""Demand series: regular histories, backtests, scores and quantiles. The models of them are in `forecasters/`."""
