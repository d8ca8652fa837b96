"""DOOR  the screen: what people in the company open in a browser; one module and one template a page.

Login, callers and problems are the API's, which it stands beside; what a page shows is asked of services.
"""
