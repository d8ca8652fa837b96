"""Sections and headline numbers that several reports could show, each with the lineage of its numbers.

No table, workbook or model of a company is named here: names come in as arguments. How a section is rendered belongs
to `publishing`.
"""
