"""One file a published figure: what was asked, what was measured here, why they differ."""
