"""Right-time synchronisation of digital twins."""
