"""A fault of the program itself is no verdict."""

from __future__ import annotations

import pytest

from resolver_check.cli import judge_command
from resolver_check.cli.main import main


def test_an_unforeseen_error_is_one_line_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(judge_command.WheelArchive, "open", broken)
    argv = ["resolver-check", "judge", "a.whl", "--old", "b.whl", "--new", "c.whl"]
    monkeypatch.setattr("sys.argv", argv)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "ZeroDivisionError: a bug" in err
