"""Gymnasium environments for 6G sliced networks and IoT digital twins.

`import twin_gym` registers the environments; nothing heavy is loaded before one is made.
"""

import sys

from twin_gym.environments.kinds import register_environments
from twin_gym.moved import MovedFinder

__version__ = "0.1.0"

register_environments()
sys.meta_path.append(MovedFinder())  # old names of modules, the last of all finders
