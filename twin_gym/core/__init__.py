"""Rows and time: what all environments share."""
