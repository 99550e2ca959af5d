"""Kinematics per second, with and without `map_fn`, and beside peers: `python -m benchmarks`."""
