"""Waste collection by trucks that know their bins through a twin."""
