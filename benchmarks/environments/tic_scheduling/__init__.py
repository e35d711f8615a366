"""The benchmarks of tiny instant communication."""
