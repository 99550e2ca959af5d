"""What a command shows of TensorFlow's start: warnings, and no information."""

import subprocess
import sys
from types import SimpleNamespace

import keras
import pytest

from fkarm.commands import Refused, start, start_up_lines

INFORMATION = b"""\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795772564.288599    9751 port.cc:153] oneDNN custom operations are on.
I1127 10:02:44.294697    9751 cudart_stub.cc:31] Could not find cuda drivers on your machine.
E0000 00:00:1795772586.48 9 cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR (303)
"""
TOLD = b"""\
E0000 00:00:1795772586.48 9 cuda_platform.cc:52] failed call to cuInit: CUDA_ERROR_NO_DEVICE (100)
W0000 00:00:1795772586.48 9 gpu_device.cc:2342] Cannot dlopen some GPU libraries.
F0000 00:00:1795772586.48 9 cpu_feature_guard.cc:37] The library was compiled to use AVX
Traceback (most recent call last):
"""


def test_the_filter_hides_information_and_nothing_else():
    command = [sys.executable, start_up_lines.__file__]
    run = subprocess.run(command, input=INFORMATION + TOLD, capture_output=True, check=True)
    assert run.stdout == TOLD


@pytest.fixture
def keras_is_not_imported(monkeypatch):
    """As if Keras were imported by the next import, without TensorFlow's."""
    monkeypatch.setitem(sys.modules, "keras", keras)
    monkeypatch.delitem(sys.modules, "keras")


def import_says(monkeypatch, lines):
    """Let the import of Keras write lines as errors of the process."""

    def write():
        subprocess.run([sys.executable, "-c", f"import os; os.write(2, {lines!r})"], check=True)

    monkeypatch.setattr(start, "_import", write)


@pytest.mark.parametrize(("level", "seen"), [(None, TOLD), ("0", INFORMATION + TOLD)])
def test_the_import_of_keras_is_filtered(keras_is_not_imported, monkeypatch, capfd, level, seen):
    monkeypatch.delenv(start.LEVEL, raising=False)
    if level:
        monkeypatch.setenv(start.LEVEL, level)
    import_says(monkeypatch, INFORMATION + TOLD)
    start.import_keras()
    assert start.os.environ[start.LEVEL] == (level or "1")
    assert capfd.readouterr().err.encode() == seen
    subprocess.run([sys.executable, "-c", "import os; os.write(2, b'I0000 00:00:')"], check=True)
    assert capfd.readouterr().err == "I0000 00:00:"  # later nothing is filtered


def test_without_keras_the_command_says_what_it_needs(keras_is_not_imported, monkeypatch, capfd):
    def fail():
        raise ModuleNotFoundError("No module named 'keras'", name="keras")

    monkeypatch.setattr(start, "_import", fail)
    with pytest.raises(Refused, match="needs Keras: No module named 'keras'"):
        start.import_keras()


def test_the_backend_looks_for_a_gpu_while_it_is_filtered(monkeypatch):
    asked = []
    config = SimpleNamespace(list_physical_devices=lambda: asked.append(True))
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(config=config))
    start._import()
    assert asked == [True] * (keras.backend.backend() == "tensorflow")


@pytest.mark.in_test_all("process")
def test_the_first_screen_of_a_command_is_its_own(tmp_path):
    command = [sys.executable, "-m", "fkarm", "evaluate", "none.keras"]
    environment = {k: v for k, v in start.os.environ.items() if k != start.LEVEL}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.stderr == "There must be a .keras file at the path. Received: 'none.keras'.\n"
