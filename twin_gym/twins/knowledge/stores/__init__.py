"""Where a knowledge graph is kept: in memory, in a graph database, or in a twin."""
