"""The board's tables of edge caching; needs a checkout of twin_gym, where `benchmarks` is."""
