"""`python -m fkarm`: its commands, and options that must be spelt in full."""

import subprocess
import sys

import pytest

from fkarm.__main__ import main


def test_the_commands_are_listed(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("inspect", "view", "train", "evaluate"))


def test_a_beginning_of_an_option_is_not_the_option(capsys):
    with pytest.raises(SystemExit) as end:
        main(["inspect", "panda", "--js"])
    assert end.value.code == 2
    assert "unrecognized arguments: --js" in capsys.readouterr().err


def test_a_reader_that_has_enough_ends_the_command_without_an_error():
    command = [sys.executable, "-m", "fkarm", "inspect", "panda"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
