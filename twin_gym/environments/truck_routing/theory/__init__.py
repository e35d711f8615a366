"""Exact results on truck routing: overflow of a bin, optima of small cases, bounds on the cost."""
