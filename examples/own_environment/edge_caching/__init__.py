"""Edge caching: an environment in a package of its own. Importing it makes it known.

Its files are found by their names: `twin-gym kind caching` lists which there are, which have a
default in their place, and which are missing.
"""

from twin_gym.environments.kinds import EnvironmentKind, register_kind

KIND = EnvironmentKind("caching", "edge_caching/EdgeCaching-v0", __name__)
"""Name, Gymnasium's id and package of this environment."""

register_kind(KIND)
