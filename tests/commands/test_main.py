"""`python -m fkarm`: its commands, and options that must be spelt in full."""

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
