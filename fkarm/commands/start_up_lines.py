"""A filter for what TensorFlow writes when it starts, a program of its own: see `start.py`."""

from __future__ import annotations

import re
import signal
import sys

# Information; what announces it; and that there is no driver of a GPU, as an error and a code.
HIDDEN = re.compile(
    rb"I\d{4} \d\d:\d\d:"
    rb"|WARNING: All log messages before absl::InitializeLog\(\) is called"
    rb"|E\d{4} .*failed call to cuInit: .*\(303\)$"
)


def main() -> None:
    """Copy the lines of standard input that are not hidden."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that writes decides
    for line in sys.stdin.buffer:
        if not HIDDEN.match(line.rstrip()):
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
