"""Cities for knowledge graphs: generated ones, and real ones from data read by path."""
