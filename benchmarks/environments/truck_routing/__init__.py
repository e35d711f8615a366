"""The benchmarks of truck routing."""
