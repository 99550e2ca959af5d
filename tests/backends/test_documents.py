"""The code that the pages of docs/ show for JAX and for PyTorch."""

import documents
import keras
import pytest

BACKEND = keras.backend.backend()
PROGRAMS = [program for program in documents.programs() if program.backend == BACKEND]

pytestmark = pytest.mark.skipif(BACKEND == "tensorflow", reason="tests/test_docs.py runs it")


def test_the_code_of_the_pages_for_this_backend_runs(tmp_path):
    programs = [program for program in PROGRAMS if not program.peer]
    assert programs
    for program in programs:
        program.run(tmp_path)


def test_the_code_beside_another_library_runs(tmp_path):
    (program,) = [program for program in PROGRAMS if program.peer]
    program.run(tmp_path)
