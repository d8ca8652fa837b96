"""Charts of reports: what they show, how they are drawn, and which number each of their points is.

Which chart a report has belongs to its sections; Excel's native charts belong to the renderers.
"""
