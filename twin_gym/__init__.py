"""Gymnasium environments for 6G sliced networks and IoT digital twins.

`import twin_gym` registers the environments; nothing heavy is loaded before one is made.
"""

from twin_gym.environments.kinds import register_environments

__version__ = "0.1.0"

register_environments()
