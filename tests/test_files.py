"""Files that are whole or absent."""

import errno
import os

import pytest

from fkarm._files import write_whole


def test_a_file_that_cannot_be_written_leaves_the_one_before(tmp_path):
    path = tmp_path / "table.json"
    write_whole(path, lambda file: file.write_text("old"))
    assert path.read_text() == "old"

    def fail(file):
        assert file.suffix == ".json"  # HDF5 and Keras choose a format by it
        file.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left"):
        write_whole(path, fail)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["table.json"]
