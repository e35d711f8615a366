"""Waste collection by trucks whose twin of the bins is out of date."""
