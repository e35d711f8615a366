"""The hierarchy of twins: a message twin that asks a policy twin at every decision.

Names (see `__init__.pyi`) are imported when they are asked for; `NetworkTwin` needs the extra
`twins`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
