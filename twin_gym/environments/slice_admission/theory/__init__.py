"""What is known exactly of slice admission: closed forms, optima, bounds."""
