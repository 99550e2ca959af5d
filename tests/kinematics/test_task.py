"""Which rows of a Jacobian a task names."""

import pytest

from fkarm.kinematics.task import task_rows


@pytest.mark.parametrize(
    ("task", "rows"),
    [
        ("pose", (0, 1, 2, 3, 4, 5)),
        ("position", (0, 1, 2)),
        ("orientation", (3, 4, 5)),
        ("rz", (5,)),
        (("rz", "x"), (0, 5)),
    ],
    ids=str,
)
def test_a_task_names_rows(task, rows):
    assert task_rows(task) == rows


def test_what_names_no_axes_is_refused():
    with pytest.raises(ValueError, match="'rz'.*Received: 'yaw'"):
        task_rows("yaw")
    for task in (("x", "x"), (), ("x", "yaw")):
        with pytest.raises(ValueError, match="different axes"):
            task_rows(task)
