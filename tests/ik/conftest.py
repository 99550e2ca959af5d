"""How searches of few rows run in tests that meet most of their problems once."""

import pytest

from fkarm.ik import descent, pose_errors
from fkarm.ik.batch import ROWS


@pytest.fixture(scope="module")
def searches_as_asked(request):
    """Operation by operation with `--searches eager`, as in `make test`; else compiled."""
    with pytest.MonkeyPatch.context() as patch:
        if request.config.getoption("--searches") == "eager":
            for module in (descent, pose_errors):
                patch.setattr(module, "compiled", _by_operation(module.compiled))
        yield


def _by_operation(compiled):
    """`compiled` for which the smallest size of a search is too few rows."""
    return lambda function, ranks, from_rows=0: compiled(function, ranks, from_rows or ROWS[0] + 1)
