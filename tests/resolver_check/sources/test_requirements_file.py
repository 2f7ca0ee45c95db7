"""Requirements files with hashes: what is pinned, and everything else refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from resolver_check.errors import UsageError
from resolver_check.sources.requirements_file import HashedRequirement, read_requirements

A, B = "a" * 64, "B" * 64
FILE = f"""\
# made by a tool \\
numpy==1.26.4 ; python_version >= "3.9" \\
    --hash=sha256:{A} \\
    --hash=sha256:{B}
    # via pandas
Py.Thing[extra,other]==1.0.post1 --hash=sha512:{A * 2}  # of a colleague

six == 1.16.0 \\
    --hash=sha256:{A} # of another
last==2 --hash=sha384:{"c" * 96} \\
"""


def read(text: str) -> tuple[HashedRequirement, ...]:
    return read_requirements(text.encode(), "file.txt")


def test_releases_with_markers_and_hashes() -> None:
    numpy, thing, six, last = read(FILE)
    assert (numpy.name, numpy.version, numpy.line) == ("numpy", Version("1.26.4"), 2)
    assert str(numpy.requirement.marker) == 'python_version >= "3.9"'
    assert numpy.hashes == {("sha256", A), ("sha256", B.lower())}
    assert (thing.name, thing.version, thing.line) == ("py-thing", Version("1.0.post1"), 6)
    assert thing.requirement.marker is None
    assert thing.hashes == {("sha512", A * 2)}
    assert (six.name, six.line) == ("six", 8)
    assert (last.name, last.line) == ("last", 10)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_end_of_line_and_a_byte_order_mark(end: str) -> None:
    data = b"\xef\xbb\xbf" + FILE.replace("\n", end).encode()
    assert read_requirements(data, "file.txt") == read(FILE)


def test_an_empty_file_pins_nothing() -> None:
    assert read("") == read("# nothing\n\n   \n") == ()


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("numpy", "has no --hash"),
        ("numpy==1.26.4", "has no --hash"),
        (f"numpy --hash=sha256:{A}", "is not pinned"),
        (f"numpy>=1.26 --hash=sha256:{A}", "is not pinned"),
        (f"numpy==1.26.* --hash=sha256:{A}", "is not pinned"),
        (f"numpy===1.26.4 --hash=sha256:{A}", "is not pinned"),
        (f"numpy==1.26.4,!=2 --hash=sha256:{A}", "is not pinned"),
        (f"a @ https://me:secret@host/a-1-py3-none-any.whl --hash=sha256:{A}", "by its URL"),
        ("https://me:secret@host/a-1-py3-none-any.whl", "is no requirement"),
        ("./a-1-py3-none-any.whl", "is no requirement"),
        ("-e .", "give the index with --index"),
        ("-r secret.txt", "give the index with --index"),
        ("--index-url https://me:secret@host/simple", "give the index with --index"),
        ("-ihttps://me:secret@host/simple", "-i: only releases"),
        ("--index-url:https://me:secret@host/simple", "--index-url: only releases"),
        ("--require-hashes", "give the index with --index"),
        (f"numpy==1 --hash=sha256:{A[1:]}", "is no sha256"),
        (f"numpy==1 --hash=md5:{A[:32]}", "is no sha256"),
        (f"numpy==1 --hash=sha256:{A}g", "--hash"),
        (f"numpy==1 --hash sha256:{A}", "only option"),
        (f"numpy==1 --no-binary=secret --hash=sha256:{A}", "--no-binary: the only option"),
        (f"numpy==1 --hash=sha256:{A} six==1", "only option"),
        (f"numpy==1 --hash=sha256:{A} https://me:secret@host/", "only option"),
        (f"numpy==1 --hash=sha256:{A}\\six==1", "--hash"),
    ],
)
def test_anything_else_is_refused_by_line(line: str, wrong: str) -> None:
    with pytest.raises(UsageError, match=r"^file\.txt:3: ") as raised:
        read(f"# one\n\n{line}\n")
    assert wrong in str(raised.value)
    assert "secret" not in str(raised.value)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(UsageError, match=r"file\.txt: is not UTF-8"):
        read_requirements(b"\xff\xfe", "file.txt")


def test_every_beginning_of_a_file_is_read_or_refused() -> None:
    whole = read(FILE)
    data = FILE.encode()
    for end in range(len(data)):
        try:
            begun = read_requirements(data[:end], "file.txt")
        except UsageError:
            continue
        # A hash that is cut short is refused, and a requirement without all of them has fewer.
        assert [each.name for each in begun] == [each.name for each in whole][: len(begun)]
        assert all(one.hashes <= other.hashes for one, other in zip(begun, whole, strict=False))


_PARTS = st.sampled_from(
    [
        *(
            "numpy==1",
            f"--hash=sha256:{A}",
            " ",
            "  ",
            "\\\n",
            "\n",
            "\\",
            "#",
            " # ",
            "\r\n",
            "\t",
        ),
        *("; python_version>'3'", "\x0c", "\u2028", "-", "é"),
    ]
)


@settings(deadline=None)  # The first one imports pip.
@given(st.lists(_PARTS, max_size=30).map("".join))
def test_lines_are_joined_as_pip_does(text: str) -> None:
    preprocess = pytest.importorskip("pip._internal.req.req_file").preprocess
    theirs = [(number, line.strip()) for number, line in preprocess(text) if line.strip()]
    try:
        ours = read(text)
    except UsageError as error:
        number = int(str(error).split(":")[1])
        assert number in [each for each, _ in theirs]
        return
    assert [each.line for each in ours] == [number for number, _ in theirs]
    for each, (_, line) in zip(ours, theirs, strict=True):
        assert line.startswith("numpy==1")
        assert each.hashes == {("sha256", A)}


@given(st.binary(max_size=200))
def test_whatever_it_is_it_is_read_or_refused(data: bytes) -> None:
    with suppress(UsageError):
        assert all(each.hashes for each in read_requirements(data, "file.txt"))
