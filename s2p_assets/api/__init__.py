"""The door for programs, and for browsers: `/api/v1`, the screen, the reports, and Dagster behind one login.

It asks services and knows no Dagster: that runs as a process of its own, to which the guard leads engineers on.
Nothing is trained here.
"""
