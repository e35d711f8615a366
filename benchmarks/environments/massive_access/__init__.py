"""The benchmarks of massive access."""
