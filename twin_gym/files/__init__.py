"""Files that commands leave: whole or not there, a line at a time, one writer at a time."""
