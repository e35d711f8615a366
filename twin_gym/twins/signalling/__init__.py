"""Signalling of a 5G core on N1, N2 and N4: grammar, emulator and what is known exactly of them."""
