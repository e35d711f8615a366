"""What a board knows of edge caching; it needs a checkout of twin_gym, where `benchmarks` is."""
