"""A company of one kind of workbook, whose shelf the benchmarks of reading and loading take."""
