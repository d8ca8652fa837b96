"""Models: forecasts and classification, their selection, monitoring and registry. Their use is not here."""
