"""Message twins: networks that learn from a log what the core answers, one message a position."""
