"""Versions of models, kept: their files, and MLflow's tables. How a version is made and crowned is beside this room."""
