"""A build requirement that changed is excused by what the build read of it, and by nothing less."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest

from backend_shim.record.build_inputs import BuildRequirement
from backend_shim.record.read_set import Capture, ReadFiles, Role, listing_digest
from resolver_check.compare.changed_input import InputChange
from resolver_check.compare.requirement_changes import RequirementChanges, is_listing_of

COMPLETE = Capture(method="inotify", is_complete=True)
HEADER, VERSION = "gift/include/gift.h", "gift/version.py"
OLD = {HEADER: "sha256=a", VERSION: "sha256=1", "gift/other.h": "sha256=x"}
NEW = {**OLD, VERSION: "sha256=2"}


def requirement(
    version: str, files: Mapping[str, str], *, read: Collection[str] = ()
) -> BuildRequirement:
    """`gift` as installed with these files, of which the build read some."""
    return BuildRequirement(
        name="gift",
        version=version,
        digests=(("record", listing_digest(files.items())),),
        read=ReadFiles(digests=tuple((Role.HEADER, path, files[path]) for path in sorted(read))),
    )


WAS = requirement("1.0", OLD, read=[HEADER])
NOW = requirement("1.1", NEW)


def changes(
    was: BuildRequirement | None = WAS,
    now: BuildRequirement | None = NOW,
    *,
    capture: Capture = COMPLETE,
    known: Mapping[str, Mapping[str, str]] | None = None,
    linked: Collection[str] = (),
    strict: bool = False,
    tokens: Mapping[str, Mapping[str, str]] | None = None,
) -> list[InputChange]:
    known = {"1.0": OLD, "1.1": NEW} if known is None else known
    rule = RequirementChanges(
        capture=capture,
        digests=lambda _, version: known.get(version),
        tokens=lambda _, version, paths: {
            path: digest
            for path, digest in (tokens or {}).get(version, {}).items()
            if path in paths
        },
        linked=linked,
        strict=strict,
    )
    sides = ((each,) if each else () for each in (was, now))
    return list(rule.changes(next(sides), next(sides)))


def excuse(**asked: object) -> str | None:
    (found,) = changes(**asked)  # type: ignore[arg-type]
    assert (found.excuse is None) or (found.detail is None)
    return found.excuse


def detail(**asked: object) -> str | None:
    assert excuse(**asked) is None
    (found,) = changes(**asked)  # type: ignore[arg-type]
    return found.detail


def test_the_same_distribution_has_not_changed() -> None:
    assert changes(WAS, WAS) == []
    assert changes(WAS, WAS, strict=True, capture=Capture()) == []


def test_a_new_version_is_excused_by_all_that_was_read_of_the_old_one() -> None:
    (found,) = changes()
    assert (found.name, found.old, found.new) == ("gift", "1.0", "1.1")
    assert found.excuse == "all that the build takes from it is unchanged"


def test_a_file_that_was_read_and_changed_is_named() -> None:
    changed = {**NEW, HEADER: "sha256=b"}
    asked = {"now": requirement("1.1", changed), "known": {"1.0": OLD, "1.1": changed}}
    assert detail(**asked) == f"changed of what the build read: {HEADER}"


def test_what_was_not_read_is_excused_without_a_look_at_the_new_wheel() -> None:
    assert excuse(was=requirement("1.0", OLD), known={}) == "the build read nothing of it"


@pytest.mark.parametrize("read", [[], [HEADER]])
def test_a_capture_that_is_not_complete_excuses_nothing(read: list[str]) -> None:
    incomplete = Capture(method="inotify", is_complete=False, why_incomplete=("overflow",))
    for capture in (Capture(), incomplete):
        assert detail(was=requirement("1.0", OLD, read=read), capture=capture)


def test_strict_excuses_nothing() -> None:
    same_files = replace(WAS, version="1.1")
    for was, now in ((WAS, NOW), (requirement("1.0", OLD), NOW), (WAS, same_files), (WAS, None)):
        assert excuse(was=was, now=now, strict=True) is None


def test_the_same_files_are_the_same_whatever_the_version_is_called() -> None:
    same = replace(WAS, version="1.0+rebuilt")
    assert excuse(now=same, capture=Capture()) == "it holds the same files"


def test_the_same_version_with_other_files_has_changed() -> None:
    (found,) = changes(now=replace(NOW, version="1.0"))
    assert found.excuse is None
    assert found.old != found.new


def test_a_version_that_is_spelled_otherwise_is_the_same() -> None:
    assert changes(replace(WAS, version="1.0.post1"), replace(WAS, version="1.0-1")) == []


def test_files_without_a_digest_are_not_known_to_be_the_same() -> None:
    bare = replace(requirement("1.0", OLD), digests=())
    (found,) = changes(bare, bare)
    assert (found.excuse, found.old) == (None, "1.0 (files without digest)")
    # Nobody can say whose files were read, either.
    assert excuse(was=bare) is None


@pytest.mark.parametrize("read", [[], [HEADER]])
def test_an_editable_install_cannot_be_compared(read: list[str]) -> None:
    editable = replace(requirement("1.0", OLD, read=read), is_editable=True)
    for was, now in ((editable, editable), (editable, NOW), (WAS, replace(NOW, is_editable=True))):
        assert detail(was=was, now=now) == "an editable install cannot be compared"


def test_what_appears_is_a_change_and_what_disappears_may_be_excused() -> None:
    assert excuse(was=None) is None
    assert excuse(was=requirement("1.0", OLD), now=None) == "the build read nothing of it"
    assert excuse(was=WAS, now=None) is None
    assert excuse(was=requirement("1.0", OLD), now=None, capture=Capture()) is None


def test_without_the_new_wheel_there_is_no_excuse() -> None:
    assert detail(known={"1.0": OLD}) == "the RECORD of the new version is not at hand"


def test_another_wheel_of_the_version_proves_nothing() -> None:
    """Of the same version for another platform, or built anew by somebody else."""
    assert detail(known={"1.0": OLD, "1.1": {**NEW, "more": "sha256=m"}}) == (
        "the RECORD of the new version is not at hand"
    )


def test_without_the_old_wheel_nobody_knows_what_has_come() -> None:
    assert "of the old version is not at hand" in (detail(known={"1.1": NEW}) or "")


@pytest.mark.parametrize(
    "path",
    ["gift/first/gift.h", "gift/libgift.a", "gift.libs/libx.so.1", "gift/b.pxd", "gift.pth",
     "gift-1.1.dist-info/entry_points.txt"],
)  # fmt: skip
def test_a_file_that_may_be_found_first_is_no_excuse(path: str) -> None:
    more = {**NEW, path: "sha256=n"}
    asked = {"now": requirement("1.1", more), "known": {"1.0": OLD, "1.1": more}}
    said = path.removeprefix("gift-1.1.dist-info/")
    assert detail(**asked) == f"the build may now find {said}"
    is_header = not path.endswith((".pth", ".txt"))
    assert bool(excuse(**asked, was=requirement("1.0", OLD))) is is_header, "nothing was read of it"


def test_entry_points_that_are_the_same_start_nothing_new() -> None:
    points = "gift-{}.dist-info/entry_points.txt"
    was, now = ({**side, points.format(version): "sha256=e"}
                for side, version in ((OLD, "1.0"), (NEW, "1.1")))  # fmt: skip
    assert excuse(
        was=requirement("1.0", was, read=[HEADER]), now=requirement("1.1", now),
        known={"1.0": was, "1.1": now},
    )  # fmt: skip


def test_new_code_that_nothing_imports_is_not_in_the_way() -> None:
    more = {**NEW, "gift/more.py": "sha256=n"}
    assert excuse(now=requirement("1.1", more), known={"1.0": OLD, "1.1": more})


def test_a_module_that_was_linked_to_has_no_digest_of_its_own() -> None:
    tools = ReadFiles(digests=WAS.read.digests, tools=("gift/_gift.so",), tools_sha256="0" * 64)
    asked = {"was": replace(WAS, read=tools)}
    assert excuse(**asked)
    assert detail(**asked, linked=["_gift.so"]) == "changed of what the build read: gift/_gift.so"


def test_a_listing_is_known_by_all_its_files() -> None:
    assert is_listing_of(WAS, OLD)
    assert not is_listing_of(WAS, NEW)
    assert not is_listing_of(replace(WAS, digests=()), {})


def test_comments_do_not_count_where_both_texts_can_be_read() -> None:
    now = requirement("1.1", {**NEW, HEADER: "sha256=b"})
    known = {"1.0": OLD, "1.1": {**NEW, HEADER: "sha256=b"}}
    same = {"1.0": {HEADER: "t"}, "1.1": {HEADER: "t"}}
    found = excuse(now=now, known=known, tokens=same)
    assert found == "but for comments, all that the build takes from it is unchanged"
    for tokens in ({}, {"1.0": {HEADER: "t"}}, {"1.1": {HEADER: "t"}}):
        assert HEADER in str(detail(now=now, known=known, tokens=tokens))
    other = {"1.0": {HEADER: "t"}, "1.1": {HEADER: "u"}}
    assert HEADER in str(detail(now=now, known=known, tokens=other))


def test_a_static_library_has_no_comments() -> None:
    library = "gift/libgift.a"
    was = replace(
        requirement("1.0", {library: "sha256=a"}),
        read=ReadFiles(digests=((Role.STATIC_LIBRARY, library, "sha256=a"),)),
    )
    now = requirement("1.1", {library: "sha256=b"})
    known = {"1.0": {library: "sha256=a"}, "1.1": {library: "sha256=b"}}
    tokens = {"1.0": {library: "t"}, "1.1": {library: "t"}}
    assert library in str(detail(was=was, now=now, known=known, tokens=tokens))
