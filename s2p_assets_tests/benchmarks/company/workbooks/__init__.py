"""The shelf of workbooks that benchmarks load. What a company's workbooks are is on its own shelves."""
