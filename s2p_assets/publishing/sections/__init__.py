"""Builders of report sections that several reports use: frames in, sections and figures with their lineage out.

What a report says and in which order belongs to the report; how sections are rendered belongs to the renderers.
"""
