"""Cases and their outcomes: folds, scores, leaks, reasons, and what is told. The models are in `classifiers/`."""
