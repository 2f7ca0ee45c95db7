"""Evidence by what the build read: which files count, and which would be found before them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

import pytest

from backend_shim.interfaces.numpy_c_api import NumpyTooOld
from backend_shim.interfaces.provider import Declaration
from backend_shim.interfaces.reasons import Binding, Reason
from backend_shim.record.read_set import ReadFiles, Role, listing_digest
from resolver_check.compare.same_inputs import (
    BuiltFrom,
    OtherFilesFound,
    ReadFilesChanged,
    ReadFilesUnchanged,
    files_to_compare,
    with_same_inputs,
)
from resolver_check.model import NoBinding
from tests.support.interface_files import tree_of

OPEN = Declaration(None, "gift_open")
HEADER = "gift/include/gift.h"
GIFT = {HEADER: b"int gift_open(void);\n"}
_ROLES = {
    ".pxd": Role.PXD,
    ".a": Role.STATIC_LIBRARY,
    ".so": Role.SHARED_LIBRARY,
    ".c": Role.HEADER,
    ".h": Role.HEADER,
}


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {
        path: "sha256="
        + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        for path, data in files.items()
    }


def _read(files: Mapping[str, bytes], paths: tuple[str, ...] | None = None) -> ReadFiles:
    """Of `files` those at `paths`, or all."""
    rows = [
        (_ROLES[path[path.rindex(".") :]], path, digest)
        for path, digest in _digests(files).items()
        if paths is None or path in paths
    ]
    return ReadFiles(digests=tuple(sorted(rows)))


def _said(
    read: ReadFiles,
    new: Mapping[str, bytes],
    *declarations: Declaration,
    old: Mapping[str, bytes] | None = None,
    is_old_the_built_with: bool = True,
    linked: frozenset[str] = frozenset(),
    recorded: Mapping[str, str] | None = None,
) -> Reason | None:
    """What is said of a binding with `declarations`, or in general."""
    built = BuiltFrom(
        read=read,
        linked=linked,
        old=_digests(old or {}),
        new=recorded or _digests(new),
        is_old_the_built_with=is_old_the_built_with and old is not None,
    )
    binding = Binding(
        interface="made-up",
        reasons=(NoBinding(looked_for=()),),
        declarations=declarations or (OPEN,),
    )
    texts = {path: data for path, data in new.items() if path.endswith((".h", ".pxd", ".a"))}
    (found,), notes = with_same_inputs(
        [binding], built, lambda wanted: (tree_of({}), tree_of(texts, *wanted))
    )
    assert found.reasons[-1] == NoBinding(looked_for=())
    return next(iter((*notes, *found.reasons[:-1])), None)


def test_files_that_are_the_same_prove_what_they_declare() -> None:
    new = {**GIFT, "gift/include/more.h": b"int gift_open(int);"}
    assert _said(_read(GIFT), new) == ReadFilesUnchanged(files=1, declared_in=(HEADER,))


def test_the_layout_may_stand_in_another_file_that_was_read() -> None:
    files = {**GIFT, "gift/include/layout.h": b"struct gift { int a; };"}
    assert _said(_read(files), files) == ReadFilesUnchanged(files=2, declared_in=(HEADER,))
    other = {**files, "gift/include/layout.h": b"struct gift { int a, b; };"}
    assert _said(_read(files), other) == ReadFilesChanged(
        files=2, changed=("gift/include/layout.h",)
    )


@pytest.mark.parametrize(
    "files",
    [
        {"gift/include/gift.h": b"int gift_shut(void);"},
        {"gift/gift.pxd": b"cdef int gift_shut()"},
        {"gift/libgift.a": b"gift_open"},
        {"gift/gift.c": b"int gift_open(void) { return 1; }"},
    ],
    ids=["header", "pxd", "static library", "source"],
)
def test_files_that_do_not_declare_it_prove_nothing(files: dict[str, bytes]) -> None:
    new = {"elsewhere.h": b"int gift_open(void);", **files}
    assert _said(_read(files), new) is None


def test_each_declaration_has_to_be_in_a_file_that_was_read() -> None:
    new = {**GIFT, "gift/include/shut.h": b"int gift_shut(void);"}
    both = (OPEN, Declaration(None, "gift_shut"))
    assert _said(_read(GIFT), new, *both) is None
    assert isinstance(_said(_read(new), new, *both), ReadFilesUnchanged)


@pytest.mark.parametrize(
    "binding",
    [
        Binding(interface="made-up", reasons=()),
        Binding(interface="made-up", reasons=(NumpyTooOld(target="2", release="1"),),
                declarations=(OPEN,)),
    ],
    ids=["declared nowhere", "refused"],
)  # fmt: skip
def test_a_binding_that_no_file_can_prove_is_not_proven(binding: Binding) -> None:
    built = BuiltFrom(
        read=_read(GIFT), linked=frozenset(), old={}, new=_digests(GIFT),
        is_old_the_built_with=False,
    )  # fmt: skip

    def no_trees(_wanted: frozenset[str]):
        raise AssertionError("nothing had to be read")

    assert with_same_inputs([binding], built, no_trees) == ([binding], ())


@pytest.mark.parametrize(
    "new",
    [
        {},
        {HEADER: b"int gift_open(void);"},
        {"gift/inc/gift.h": GIFT[HEADER]},
    ],
    ids=["gone", "changed", "moved"],
)
def test_a_file_that_is_not_there_as_it_was_proves_nothing(new: dict[str, bytes]) -> None:
    assert _said(_read(GIFT), new) == ReadFilesChanged(files=1, changed=(HEADER,))


def test_a_manifest_that_is_wrong_proves_nothing() -> None:
    new = {HEADER: b"long gift_open(void);\n"}
    said = _said(_read(GIFT), new, recorded=_digests(GIFT))
    assert said == ReadFilesChanged(files=1, changed=(HEADER,))


# What would be found first


@pytest.mark.parametrize(
    ("read", "added"),
    [
        ("gift/include/gift.h", "gift/new/gift.h"),
        ("gift/include/gift.h", "gift/new/GIFT.H"),
        ("gift/include/gift/a.h", "gift/a.h"),
        ("gift/gift.pxd", "gift/gift/__init__.pxd"),
        ("gift/gift.pxd", "gift/gift.cython-30.pxd"),
        ("gift/gift/__init__.pxd", "gift/gift.pxd"),
        ("gift/libgift.a", "gift/libgift.so"),
        ("gift/libgift.a", "gift/lib64/libgift.a"),
        ("gift/libgift.so", "gift/lib64/libgift.so.1"),
    ],
)
def test_a_new_file_of_the_same_name_may_be_found_first(read: str, added: str) -> None:
    built = {**GIFT, read: b"int gift_open(void);"}
    new = {**built, added: b"something"}
    linked = frozenset({"libgift.so.1"})
    found = OtherFilesFound(found=(added,))
    assert _said(_read(built), new, old=built, linked=linked) == found
    assert _said(_read(built), new, linked=linked) == found
    assert isinstance(_said(_read(built), new, old=new, linked=linked), ReadFilesUnchanged)
    # Another version may have got the file already.
    older = _said(_read(built), new, old=new, linked=linked, is_old_the_built_with=False)
    assert older == found


@pytest.mark.parametrize(
    "added",
    [
        "gift/include/more.h",
        "gift/gift.py",
        "gift/__init__.pxd",
        "gift/_gift.cpython-311-x86_64-linux-gnu.so",
        "gift/libother.a",
        "gift.libs/libgift-1f2e3d4c.so.1",
    ],
)
def test_a_new_file_of_another_name_is_not_looked_for(added: str) -> None:
    new = {**GIFT, added: b"int gift_open(long);"}
    assert isinstance(_said(_read(GIFT), new), ReadFilesUnchanged)


def test_cython_takes_the_file_for_its_version_first() -> None:
    pxd = {"gift/__init__.cython-30.pxd": b"cdef int a()", **GIFT}
    new = {"gift/__init__.pxd": b"cdef int b()", **pxd}
    assert isinstance(_said(_read(pxd), new), ReadFilesUnchanged)
    plain = {**GIFT, "gift/__init__.pxd": b"cdef int b()"}
    assert isinstance(_said(_read(plain), new), OtherFilesFound)


@pytest.mark.parametrize(
    "condition",
    [
        b'#if __has_include("more.h")',
        b"#if defined(__has_include) && __has_include ( <gift/more.h> )",
        b"#if __has_include_next(<more.h>)",
        b"#if __has_inc\\\nlude(<more.h>)",
        b"#if __has_include/**/(<more.h>)",
        b"#if __has_include(GIFT_MORE)",
    ],
)
def test_a_new_file_that_was_asked_for_would_be_found(condition: bytes) -> None:
    built = {HEADER: condition + b"\n#endif\nint gift_open(void);\n"}
    new = {**built, "gift/include/more.h": b"int more;"}
    found = OtherFilesFound(found=("gift/include/more.h",))
    assert _said(_read(built), new, old=built) == found
    assert _said(_read(built), new) == found
    assert isinstance(_said(_read(built), new, old=new), ReadFilesUnchanged)
    assert isinstance(_said(_read(built), built), ReadFilesUnchanged)


# Libraries and code


def test_a_module_that_was_linked_to_has_no_digest_of_its_own() -> None:
    module = "gift/_gift.so"
    read = ReadFiles(
        digests=_read(GIFT).digests,
        tools=(module,),
        tools_sha256=listing_digest([(module, "sha256=x")]),
    )
    assert isinstance(_said(read, GIFT), ReadFilesUnchanged)
    said = _said(read, GIFT, linked=frozenset({"_gift.so"}))
    assert said == ReadFilesChanged(files=1, changed=(module,))


def test_code_that_counts_is_counted() -> None:
    tools = {"gift/__main__.py": "sha256=m", "gift/version.py": "sha256=v"}
    read = ReadFiles(
        digests=_read(GIFT).digests,
        tools=tuple(tools),
        tools_sha256=listing_digest(tools.items()),
        is_program=True,
    )
    said = _said(read, GIFT, recorded={**_digests(GIFT), **tools})
    assert said == ReadFilesUnchanged(files=3, declared_in=(HEADER,))


# What is compared where not all is the same


def test_files_that_were_not_read_are_not_compared() -> None:
    files = {**GIFT, "gift/include/more.h": b"int gift_open(int);"}

    def compared(**changed: object) -> frozenset[str] | None:
        facts = {
            "read": _read(GIFT),
            "linked": frozenset[str](),
            "old": _digests(files),
            "new": {},
            "is_old_the_built_with": False,
        }
        return files_to_compare(BuiltFrom(**{**facts, **changed}))  # type: ignore[arg-type]

    assert compared() == {HEADER}
    assert compared(old={}) is None
    assert compared(old=_digests({HEADER: b"another"})) is None
    assert compared(read=_read(files), old=_digests(GIFT)) is None
    assert files_to_compare(None) is None
