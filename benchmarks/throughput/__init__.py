"""How fast the environments are, in steps per core-second.

    python -m benchmarks.throughput                     # everything, some minutes
    python -m benchmarks.throughput --only tic --only access
    python -m benchmarks.throughput --quick             # shorter runs, a first idea, kept nowhere

`benchmarks.throughput.timing.METHOD` says how; the figures are in `benchmarks/results`.
"""
