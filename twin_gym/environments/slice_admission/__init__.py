"""Admission control in a sliced network."""
