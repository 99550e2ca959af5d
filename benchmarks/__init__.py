"""Throughput of forward kinematics, with and without `map_fn`; run `python -m benchmarks`."""
