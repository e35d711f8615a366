"""Measurements: speed, demonstrations, and one experiment a published figure."""
