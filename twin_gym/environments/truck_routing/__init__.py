"""Waste collection with trucks that are planned on a twin of the bins."""
