"""Promises of the contracts: what a shelf file declares, and what is said of one that contradicts itself."""
