"""The company whose files benchmarks load: a package of shelves, apart from the benchmarks themselves."""
