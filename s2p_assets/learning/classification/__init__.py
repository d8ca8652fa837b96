"""Classification: cases, time-ordered folds, scores, leaks, explanations. Its models are in a room of their own."""
