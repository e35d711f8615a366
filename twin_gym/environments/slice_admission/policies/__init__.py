"""Classical policies of slice admission."""
