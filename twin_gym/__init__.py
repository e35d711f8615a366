"""Gymnasium environments for 6G sliced networks and IoT digital twins.

`import twin_gym` registers the environments; nothing heavy is loaded before one is made.
"""

import sys

from twin_gym.environments.kinds import register_environments
from twin_gym.moved import GONE_FOLDERS, MovedFinder

__version__ = "0.1.0"

register_environments()
# Old names of modules: the last of all finders, but for folders that are gone.
sys.meta_path.insert(0, MovedFinder(GONE_FOLDERS))
sys.meta_path.append(MovedFinder())
