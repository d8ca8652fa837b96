"""The workbooks of the example companies: where they lie, their columns, rules, keys and owners."""
