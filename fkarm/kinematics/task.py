"""Which directions of motion a task counts."""

from __future__ import annotations

from collections.abc import Sequence

# Rows of the geometric Jacobian by name: along and about the axes of the base link.
AXES = ("x", "y", "z", "rx", "ry", "rz")
TASKS = {"pose": AXES, "position": AXES[:3], "orientation": AXES[3:]}


def task_rows(task: str | Sequence[str]) -> tuple[int, ...]:
    """Indices of a task's axes among `AXES`, in ascending order.

    Raises:
        ValueError: If the task is neither one of `TASKS` nor a list of different axes.
    """
    names = TASKS.get(task, (task,)) if isinstance(task, str) else tuple(task)
    if not names or len(set(names)) < len(names) or not set(names) <= set(AXES):
        raise ValueError(
            f"task must be one of {', '.join(map(repr, TASKS))}, or a list of different axes of "
            f"{', '.join(map(repr, AXES))}. Received: {task!r}."
        )
    return tuple(sorted(AXES.index(name) for name in names))
