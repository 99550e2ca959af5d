"""`python -m benchmarks.learned_ik`."""

from benchmarks.learned_ik import main

main()
