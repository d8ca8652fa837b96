"""Versions of models, kept: their files, and MLflow's tables. Making and promoting one is not here."""
