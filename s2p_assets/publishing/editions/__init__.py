"""Editions of reports on the share: their folders, the index, the saved numbers, and what keeps one from being renewed.

How a format is made belongs to `renderers`; which report is made when, to the graph.
"""
