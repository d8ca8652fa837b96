"""The forecasters, one module per idea. Which of them is in service is for `selection/`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
