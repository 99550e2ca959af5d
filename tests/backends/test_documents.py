"""The code that the pages of docs/ show for JAX and for PyTorch."""

import documents
import keras
import pytest

BACKEND = keras.backend.backend()


@pytest.mark.skipif(BACKEND == "tensorflow", reason="tests/test_docs.py runs it")
def test_the_code_of_the_pages_for_this_backend_runs(tmp_path):
    programs = [program for program in documents.programs() if program.backend == BACKEND]
    assert programs
    for program in programs:
        program.run(tmp_path)
