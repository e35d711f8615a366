"""Files that commands write: atomically, line by line, by one writer at a time."""
