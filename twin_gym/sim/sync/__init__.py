"""Right-time synchronisation: entities that change, and the twin that is told of them."""
