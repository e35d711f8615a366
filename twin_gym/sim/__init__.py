"""The networks themselves. Nothing here knows of agents, observations or rewards."""
