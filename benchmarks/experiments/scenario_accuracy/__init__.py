"""Paper A's Fig. 3: how accurate generated scenarios are, round after round of twinning."""
