"""Traces: from a stored value through the rows it was derived from down to the file, sheet and cell.

How numbers of a report are found, and how a trace is printed, does not belong here.
"""
