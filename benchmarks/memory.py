"""Peak memory of a call on the CPU, as the operating system sees it."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def peak_extra_bytes(run: Callable[[], Any]) -> int | None:
    """By how much one call raises the resident memory of this process, results included.

    What malloc keeps from earlier calls is handed back first and the kernel's high-water mark
    is reset. Pages that are reserved but never touched do not count. Linux only, else None. A
    framework whose own allocator keeps memory has to be asked itself.
    """
    try:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        _CLEAR.write_text("5")
        before = _read("VmRSS")
        result = run()
        peak = _read("VmHWM")
    except (OSError, AttributeError, TypeError):
        return None
    del result
    return max(0, peak - before)


def _read(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", _STATUS.read_text())
    return int(found[1]) * 1024
