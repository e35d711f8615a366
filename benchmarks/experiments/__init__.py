"""One file for each published figure: what was asked, what was measured here, and why they differ."""
