"""Signalling of a 5G core on N1, N2 and N4: grammar, emulator and what is known exactly of them.

Names (see `__init__.pyi`) are imported when they are asked for.

Example:
    >>> from twin_gym.twins.signalling import emulate
    >>> log = emulate("signalling-four-slices", seed=7, num_ues=3, horizon_s=30.0)
    >>> log.to_vectors().shape[1]
    204
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
