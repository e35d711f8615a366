"""The benchmarks of slice admission."""
