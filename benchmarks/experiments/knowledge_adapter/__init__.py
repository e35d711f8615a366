"""Paper C's Fig. 7: what an adapter on a frozen language model learns of a city."""
