"""Promises of the sample share drives: all that stands in them is loaded, but for the mistakes planted there."""
