"""Whether another version holds the same of all that a build read."""

from __future__ import annotations

import pytest

from backend_shim.record.read_set import ReadFiles, Role, listing_digest
from resolver_check.compare.read_files import changed_files, tools_count

HEADER = (Role.HEADER, "g/include/g.h", "sha256=h")
LIBRARY = (Role.SHARED_LIBRARY, "g/lib/libg.so", "sha256=l")
TOOLS = {"g/__init__.py": "sha256=i", "g/version.py": "sha256=v"}


def _read(*digests: tuple[Role, str, str], is_program: bool | None = None) -> ReadFiles:
    """With TOOLS, unless `is_program` is None."""
    if is_program is None:
        return ReadFiles(digests=digests)
    return ReadFiles(
        digests=digests,
        tools=tuple(TOOLS),
        tools_sha256=listing_digest(TOOLS.items()),
        is_program=is_program,
    )


@pytest.mark.parametrize(
    "role", [Role.HEADER, Role.PXD, Role.STATIC_LIBRARY, Role.OTHER], ids=lambda role: role.value
)
def test_what_goes_into_the_wheel_counts(role: Role) -> None:
    read = _read((role, "g/a", "sha256=a"))
    assert changed_files(read, {"g/a": "sha256=a", "g/b": "sha256=b"}) == ()
    assert changed_files(read, {"g/a": "sha256=b"}) == ("g/a",)
    assert changed_files(read, {"h/a": "sha256=a"}) == ("g/a",)
    assert changed_files(read, {}) == ("g/a",)


def test_nothing_read_is_nothing_changed() -> None:
    assert changed_files(ReadFiles(), {}) == ()
    assert not tools_count(ReadFiles())


@pytest.mark.parametrize(
    ("file", "needed"),
    [
        ("g/lib/libg.so", "libg.so"),
        ("g/lib/libg.so", "libg.so.1"),
        ("g/lib/libg.so.1.2.3", "libg.so.1"),
        ("g/lib/libg.dylib", "libg.1.dylib"),
        ("g/lib/libg.dylib", "@rpath/libg.1.dylib"),
        ("g/lib/G.dll", "g.dll"),
        ("g/lib/libg.so.1", "libg-4fe2a913.so.1.2.3"),
    ],
)
def test_a_library_that_is_needed_counts(file: str, needed: str) -> None:
    read = _read((Role.SHARED_LIBRARY, file, "sha256=l"))
    assert changed_files(read, {file: "sha256=l"}, linked=[needed]) == ()
    assert changed_files(read, {file: "sha256=m"}, linked=["libc.so.6", needed]) == (file,)
    assert changed_files(read, {}, linked=[needed]) == (file,)


@pytest.mark.parametrize("needed", ["libc.so.6", "libgg.so", "lib.so", "libh-libg.so"])
def test_a_library_that_was_only_loaded_does_not_count(needed: str) -> None:
    assert changed_files(_read(LIBRARY), {}, linked=[needed]) == ()
    assert changed_files(_read(LIBRARY), {}) == ()
    # Unless what loaded it may have written something for the wheel: libclang of a generator.
    assert changed_files(_read(LIBRARY, is_program=True), TOOLS, linked=[needed]) == (LIBRARY[1],)


@pytest.mark.parametrize(
    ("read", "counts"),
    [
        (_read(HEADER, is_program=False), False),
        (_read((Role.PXD, "g/g.pxd", "sha256=p"), is_program=False), False),
        (_read((Role.STATIC_LIBRARY, "g/g.a", "sha256=p"), is_program=False), False),
        (_read(HEADER, is_program=True), True),
        (_read(is_program=False), True),
        (_read(LIBRARY, is_program=False), True),
        (_read((Role.OTHER, "g/g.txt", "sha256=o"), is_program=False), True),
        (_read(HEADER), False),
    ],
    ids=["header", "pxd", "static", "program", "code only", "library", "data", "no tools"],
)
def test_code_counts_where_it_may_have_written_something(read: ReadFiles, counts: bool) -> None:
    assert tools_count(read) is counts
    same = {path: digest for _, path, digest in read.digests} | TOOLS
    assert changed_files(read, same) == ()
    other = {**same, "g/version.py": "sha256=new"}
    assert changed_files(read, other) == (("g/__init__.py",) if counts else ())
    del other["g/version.py"]
    assert changed_files(read, other) == (("g/__init__.py",) if counts else ())


def test_code_that_counts_without_a_digest_is_never_the_same() -> None:
    read = ReadFiles(tools=tuple(TOOLS))
    assert changed_files(read, TOOLS) == ("g/__init__.py",)


def test_all_that_changed_is_named() -> None:
    read = _read(HEADER, LIBRARY, is_program=True)
    changed = changed_files(read, {}, linked=["libg.so"])
    assert changed == ("g/include/g.h", "g/lib/libg.so", "g/__init__.py")
