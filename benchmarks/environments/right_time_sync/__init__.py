"""The benchmarks of right-time synchronisation."""
