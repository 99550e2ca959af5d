"""`python -m benchmarks` is `python -m benchmarks.fk`."""

from benchmarks.fk import main

if __name__ == "__main__":
    main()
