"""Trucks planned by what the emptyings of June tell, in the replayed days of July."""
