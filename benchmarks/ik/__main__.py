"""`python -m benchmarks.ik`. A module of its own: peers' processes read the main module again."""

from benchmarks.ik import main

main()
