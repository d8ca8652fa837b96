"""s2p, sheets to pipelines: Excel share drive in, validated tables, forecasts and reports out.

This is the one import of a shelf file: `from s2p_assets import …` hands out every word of `__init__.pyi`, and loads the
module that a word comes from when the word is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
