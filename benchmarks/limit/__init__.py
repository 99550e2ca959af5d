"""The limit: a C kernel for one robot, written, compiled and called by the benchmark only."""
