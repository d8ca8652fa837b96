"""What a document's numbers are called and how values are written for people, the same in every format.

The document itself is declared in the contract of a report; how a page looks belongs to the renderers.
"""
