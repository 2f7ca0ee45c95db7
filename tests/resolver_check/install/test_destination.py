"""The journal: what was written is taken back, and what was there is as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver_check.install.destination import Journal


def write(journal: Journal, path: Path, text: str) -> None:
    journal.will_write(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def tree(directory: Path) -> dict[str, str | None]:
    return {
        str(path.relative_to(directory)): path.read_text() if path.is_file() else None
        for path in directory.rglob("*")
    }


def test_what_was_there_comes_back_also_if_it_was_written_twice(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    (tmp_path / "link").symlink_to("old")
    (tmp_path / "dangling").symlink_to("nowhere")
    before = tree(tmp_path)
    journal = Journal()
    for text in ("first", "second"):
        for name in ("old", "link", "dangling", "new", "a/b/c", "a/b/d"):
            write(journal, tmp_path / name, text)
    assert (tmp_path / "link").read_text() == "second"
    assert journal.take_back() == ()
    assert tree(tmp_path) == before
    assert (tmp_path / "link").readlink() == Path("old")
    assert (tmp_path / "dangling").is_symlink()


def test_what_is_kept_leaves_nothing_aside(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    journal = Journal()
    write(journal, tmp_path / "old", "new")
    journal.keep()
    assert tree(tmp_path) == {"old": "new"}


def test_a_directory_in_which_others_have_written_stays(tmp_path: Path) -> None:
    journal = Journal()
    write(journal, tmp_path / "made" / "ours", "x")
    (tmp_path / "made" / "theirs").write_text("y")
    assert journal.take_back() == ()
    assert tree(tmp_path) == {"made": None, "made/theirs": "y"}


def test_what_cannot_be_taken_back_is_named(tmp_path: Path) -> None:
    journal = Journal()
    path = tmp_path / "file"
    write(journal, path, "x")
    path.unlink()
    path.mkdir()
    assert journal.take_back() == (path,)


def test_below_a_file_there_is_nothing_to_take_back(tmp_path: Path) -> None:
    journal = Journal()
    write(journal, tmp_path / "file", "x")
    journal.will_write(tmp_path / "file" / "below")
    assert journal.take_back() == ()
    assert tree(tmp_path) == {}


def test_what_was_interrupted_before_it_was_moved_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "old").write_text("old")
    journal = Journal()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt):
            journal.will_write(tmp_path / "old")
    assert journal.take_back() == ()
    assert tree(tmp_path) == {"old": "old"}


def test_what_was_interrupted_after_it_was_moved_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(path: Path, target: Path) -> None:
        path.replace(target)
        raise KeyboardInterrupt

    (tmp_path / "old").write_text("old")
    journal = Journal()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt):
            journal.will_write(tmp_path / "old")
    assert journal.take_back() == ()
    assert tree(tmp_path) == {"old": "old"}


def test_a_directory_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    journal = Journal()
    with pytest.raises(IsADirectoryError):
        journal.will_write(tmp_path / "file")
    assert journal.take_back() == ()
    assert tree(tmp_path) == {"file": None}
