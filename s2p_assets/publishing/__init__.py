"""Reports: the words on a page, builders of sections, charts, renderers, and editions on the share.

What a report says belongs to its shelf file.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=["sections"])
