"""Classical policies of massive access."""
