"""What fkarm says where the backend that Keras is set to is not installed."""

import os
import subprocess
import sys

import pytest

CODE = """
import sys
sys.modules[{missing!r}] = None  # as if it were not installed
import fkarm
{use}
"""
USES = ("fkarm.solve_ik", "import fkarm.layers", "import keras")


@pytest.mark.parametrize(
    ("missing", "use"), [*zip(("tensorflow", "jax", "torch"), USES, strict=True)]
)
def test_a_missing_backend_is_named_with_what_to_do(missing, use, tmp_path):
    environment = {**os.environ, "KERAS_BACKEND": missing, "KERAS_HOME": str(tmp_path)}
    if missing == "tensorflow":
        del environment["KERAS_BACKEND"]  # which is what Keras runs on then
    run = subprocess.run(
        [sys.executable, "-c", CODE.format(missing=missing, use=use)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    last = run.stderr.strip().splitlines()[-1]
    assert f"Keras is set to run on {missing}, which is not installed. Install it, or set" in last
    assert "KERAS_BACKEND to an installed one of tensorflow, jax and torch" in last
