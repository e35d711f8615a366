"""Exact results on slice admission: closed forms, optima, bounds."""
