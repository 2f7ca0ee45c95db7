"""One consumer, one provider's bump: the verdict on wheels as they are."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from backend_shim.embed import embed
from backend_shim.interfaces.import_name import binding_names
from backend_shim.record.build_inputs import BuildRequirement
from backend_shim.record.names import FINGERPRINT
from backend_shim.record.series import Series
from backend_shim.wheel.archive import WheelArchive
from resolver_check.check import Bump, judge
from resolver_check.errors import UsageError
from resolver_check.model import EvidenceLevel, Judgement, Verdict
from tests.backend_shim.record.example_inputs import INPUTS
from tests.resolver_check.conftest import SUFFIX, Factory, Open
from tests.support.elf_factory import Image
from tests.support.wheel_factory import make_wheel, record_bytes

PROVEN, PROMISED, SYMBOLS = EvidenceLevel


@pytest.fixture
def ask(open_subject: Open):
    def run(
        consumer: Path, old: Path | None, new: Path, level: EvidenceLevel = PROMISED
    ) -> Judgement:
        before = open_subject(old) if old else None
        return judge(open_subject(consumer), Bump(before, open_subject(new)), level=level)

    return run


def _kinds(judgement: Judgement) -> set[str]:
    return {reason.kind for _, reason in judgement.reasons}


# Linking


@pytest.mark.parametrize(
    ("header", "level", "verdict", "kind"),
    [
        (None, PROVEN, Verdict.UNKNOWN, "interface-files-unchanged"),
        (None, PROMISED, Verdict.VALID, "interface-files-unchanged"),
        (None, SYMBOLS, Verdict.VALID, "symbols-present"),
        ("/* the same */\nint gift_open(void);\nint  gift_shut(void);\n", PROMISED, Verdict.VALID,
         "interface-files-unchanged"),
        ("long gift_open(void);\nint gift_shut(void);\n", PROMISED, Verdict.UNKNOWN,
         "interface-files-changed"),
        # It does not import this one, and nobody imports a new one.
        ("int gift_open(void);\nlong gift_shut(void);\n", PROMISED, Verdict.VALID,
         "declarations-unchanged"),
        ("int gift_open(void);\nint gift_shut(void);\nint gift_lend(void);\n", PROMISED,
         Verdict.VALID, "declarations-unchanged"),
        ("int gift_open(void);\nstruct gift_shut { int a; };\n", PROMISED, Verdict.VALID,
         "declarations-unchanged"),
        ("int gift_open(void);\nlong gift_shut(void);\n", SYMBOLS, Verdict.VALID,
         "symbols-present"),
        ("", PROMISED, Verdict.UNKNOWN, "interface-files-changed"),
    ],
)  # fmt: skip
def test_exported_symbols_need_an_unchanged_header(
    make: Factory, ask, header: str | None, level: EvidenceLevel, verdict: Verdict, kind: str
) -> None:
    old = make.library("1.0")
    new = make.library("1.1") if header is None else make.library("1.1", header=header)
    judgement = ask(make.linked(), old, new, level)
    assert judgement.verdict is verdict
    assert kind in _kinds(judgement)


@pytest.mark.parametrize("level", EvidenceLevel)
def test_a_removed_symbol_is_invalid_whatever_the_header_says(
    make: Factory, ask, level: EvidenceLevel
) -> None:
    new = make.library("2.0", source="int gift_shut(void) { return 2; }")
    judgement = ask(make.linked(), make.library("1.0"), new, level)
    assert judgement.verdict is Verdict.INVALID
    assert "symbol-missing" in _kinds(judgement)


def test_a_symbol_that_is_not_used_may_go(make: Factory, ask) -> None:
    new = make.library("2.0", source="int gift_open(void) { return 1; }")
    assert ask(make.linked(), make.library("1.0"), new).verdict is Verdict.VALID


def test_a_function_that_became_data_is_invalid(make: Factory, ask) -> None:
    new = make.library("2.0", source="int gift_open = 3; int gift_shut(void) { return 2; }")
    judgement = ask(make.linked(), make.library("1.0"), new, SYMBOLS)
    assert judgement.verdict is Verdict.INVALID
    assert "symbol-changed" in _kinds(judgement)


def test_another_soname_is_invalid(make: Factory, ask) -> None:
    new = make.library("2.0", soname="libgift.so.2")
    judgement = ask(make.linked(), make.library("1.0"), new, SYMBOLS)
    assert judgement.verdict is Verdict.INVALID
    assert "soname-missing" in _kinds(judgement)


def test_a_library_that_only_the_new_wheel_has_is_unknown(make: Factory, ask) -> None:
    old = make.library("1.0", soname="libgift.so.0")
    judgement = ask(make.linked(), old, make.library("1.1"), SYMBOLS)
    assert judgement.verdict is Verdict.UNKNOWN
    assert "newly-provided" in _kinds(judgement)


def test_without_an_old_wheel_linking_is_unknown(make: Factory, ask) -> None:
    assert ask(make.linked(), None, make.library("1.1")).verdict is Verdict.UNKNOWN


# NumPy's C API


@pytest.mark.parametrize("level", EvidenceLevel)
def test_compiled_for_numpy_1_is_invalid_with_numpy_2(
    make: Factory, ask, level: EvidenceLevel
) -> None:
    judgement = ask(make.for_numpy_1("old"), make.numpy_1(), make.numpy_2(), level)
    assert judgement.verdict is Verdict.INVALID
    assert "numpy-abi-refused" in _kinds(judgement)


@pytest.mark.parametrize(
    ("level", "verdict"),
    [(PROVEN, Verdict.UNKNOWN), (PROMISED, Verdict.VALID), (SYMBOLS, Verdict.VALID)],
)
def test_compiled_for_both_is_a_promise(
    make: Factory, ask, level: EvidenceLevel, verdict: Verdict
) -> None:
    judgement = ask(make.for_both("new"), make.numpy_1(), make.numpy_2(), level)
    assert judgement.verdict is verdict
    assert "numpy-c-api-fits" in _kinds(judgement)


def test_a_numpy_older_than_the_target_is_invalid(make: Factory, ask) -> None:
    judgement = ask(make.for_both("new"), make.numpy_1(), make.numpy_1("1.22.0"))
    assert judgement.verdict is Verdict.INVALID
    assert "numpy-too-old" in _kinds(judgement)


def test_a_numpy_that_does_not_tell_its_numbers_is_unknown(make: Factory, ask) -> None:
    judgement = ask(make.for_both("new"), make.numpy_1(), make.numpy("2.1.0", abi=None))
    assert judgement.verdict is Verdict.UNKNOWN
    assert "numpy-versions-unknown" in _kinds(judgement)


# No binding, pure, unread, targets


@pytest.mark.parametrize("level", EvidenceLevel)
def test_who_does_not_name_the_provider_is_valid(make: Factory, ask, level: EvidenceLevel) -> None:
    judgement = ask(make.extension("alone"), make.numpy_1(), make.numpy_2(), level)
    assert judgement.verdict is Verdict.VALID
    assert "no-binding" in _kinds(judgement)


def test_who_names_the_provider_and_nobody_knows_why_is_unknown(make: Factory, ask) -> None:
    consumer = make.extension("namer", strings=("gift", "gift._secret"))
    judgement = ask(consumer, make.library("1.0"), make.library("1.1"), SYMBOLS)
    assert judgement.verdict is Verdict.UNKNOWN
    assert "named-in-binary" in _kinds(judgement)


@pytest.mark.parametrize("level", EvidenceLevel)
def test_a_pure_wheel_is_valid(make: Factory, ask, level: EvidenceLevel) -> None:
    judgement = ask(make.pure("plain", requires=["numpy"]), make.numpy_1(), make.numpy_2(), level)
    assert judgement.verdict is Verdict.VALID
    assert "pure" in _kinds(judgement)


@pytest.mark.parametrize("side", ["consumer", "old", "new"])
def test_a_binary_that_cannot_be_read_is_never_valid(make: Factory, ask, side: str) -> None:
    damaged = {f"more/_more{SUFFIX}": b"\x7fELF" + b"\xff" * 200}
    wheels = {
        "consumer": make.extension("alone", files=damaged if side == "consumer" else None),
        "old": make.extension("gift", version="1", files=damaged if side == "old" else None),
        "new": make.extension("gift", version="2", files=damaged if side == "new" else None),
    }
    judgement = ask(*wheels.values(), SYMBOLS)
    assert judgement.verdict is Verdict.UNKNOWN
    unread = [reason for _, reason in judgement.reasons if reason.kind == "unread-binary"]
    assert [reason.data()["wheel"] for reason in unread] == [wheels[side].name]


@pytest.mark.parametrize(
    "data", [b"MZ".ljust(60, b"\0") + b"\x40\0\0\0PE\0\0", b"\xcf\xfa\xed\xfe" + b"\0" * 200]
)
def test_other_binary_formats_are_no_pure_wheels(make: Factory, ask, data: bytes) -> None:
    consumer = make_wheel(make.directory, name="other", files={"other/_other.pyd": data})
    judgement = ask(consumer, make.numpy_1(), make.numpy_2(), SYMBOLS)
    assert judgement.verdict is not Verdict.VALID or "pure" not in _kinds(judgement)


@pytest.mark.parametrize(
    "tag",
    [
        "cp310-cp310-manylinux_2_17_x86_64",
        "cp311-cp311-musllinux_1_1_x86_64",
        "cp311-cp311-manylinux_2_17_aarch64",
        "cp311-cp311-win_amd64",
        "cp312-abi3-manylinux_2_17_x86_64",
    ],
)
def test_targets_that_never_meet_are_unknown(make: Factory, ask, tag: str) -> None:
    consumer = make.extension("alone", tag=tag)
    judgement = ask(consumer, make.numpy_1(), make.numpy_2())
    assert judgement.verdict is Verdict.UNKNOWN
    assert "targets-differ" in _kinds(judgement)


@pytest.mark.parametrize(
    "tag",
    [
        "cp38-abi3-manylinux_2_28_x86_64",
        "cp311-none-any",
        "py3-none-manylinux2014_x86_64",
        "cp311-cp311-linux_x86_64",
    ],
)
def test_targets_that_meet_say_nothing(make: Factory, ask, tag: str) -> None:
    judgement = ask(make.extension("alone", tag=tag), make.numpy_1(), make.numpy_2())
    assert judgement.verdict is Verdict.VALID


def test_wheels_of_two_projects_are_no_bump(make: Factory, ask) -> None:
    with pytest.raises(UsageError, match="one project, not gift and numpy"):
        ask(make.extension("alone"), make.library("1.0"), make.numpy_2())


def test_nobody_consumes_itself(make: Factory, ask) -> None:
    with pytest.raises(UsageError, match="gift cannot be the consumer of itself"):
        ask(make.library("0.9"), make.library("1.0"), make.library("1.1"))


# Records


def _notes(judgement: Judgement, wheel: Path) -> list[str]:
    return [
        str(reason.data()["why"])
        for _, reason in judgement.reasons
        if reason.kind == "derived" and reason.data()["wheel"] == wheel.name
    ]


def _replace(wheel: Path, member: str, change, *, keep_record: bool = False) -> None:
    """Change a member of a wheel, and RECORD with it."""
    with WheelArchive.open(wheel) as archive:
        files = {each.name: archive.read(each.name) for each in archive.members}
        info = archive.dist_info
    path = f"{info}/{member}" if f"{info}/{member}" in files else member
    files[path] = change(files[path])
    record = files.pop(f"{info}/RECORD")
    files[f"{info}/RECORD"] = record if keep_record else record_bytes(files, f"{info}/RECORD")
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


# Series

CAPSULE = "gift._C_API"


def _gift(make: Factory, version: str, *series: Series, header: str = "") -> Path:
    """A provider of a capsule, whose wheel declares `series`; its header changes each time."""
    wheel = make.extension(
        "gift",
        version=version,
        files={"gift/include/gift.h": f'{header}void *api = Import("{CAPSULE}");'.encode()},
    )
    embed(wheel, build_inputs=None, looked_for=(), series=series)
    return wheel


def _promise(change: str, addition: str, name: str = CAPSULE) -> Series:
    return Series(name=name, last_change=change, last_addition=addition)


@pytest.mark.parametrize(
    ("series", "verdict", "kind"),
    [
        ((), Verdict.UNKNOWN, "interface-files-changed"),
        ((_promise("1.0", "2.0"),), Verdict.VALID, "series-fits"),
        ((_promise("1.0", "2.0", "gift"),), Verdict.VALID, "series-fits"),
        ((_promise("1.0", "2.0", "gift.other"),), Verdict.UNKNOWN, "interface-files-changed"),
        ((_promise("1.5", "1.5"),), Verdict.INVALID, "series-broken"),
    ],
)
def test_a_provider_that_promises_is_believed(
    make: Factory, ask, series: tuple[Series, ...], verdict: Verdict, kind: str
) -> None:
    taker = make.extension("taker", strings=(CAPSULE,), requires=["gift"])
    old, new = _gift(make, "1.0", header="int a;"), _gift(make, "2.0", *series)
    judgement = ask(taker, old, new)
    assert judgement.verdict is verdict
    assert kind in _kinds(judgement)
    assert ask(taker, old, new, PROVEN).verdict is not Verdict.VALID


def test_a_promise_is_not_believed_before_an_unchanged_header_is_needed(make: Factory, ask) -> None:
    """Unchanged files do not outweigh that the provider itself says it changed the interface."""
    taker = make.extension("taker", strings=(CAPSULE,), requires=["gift"])
    broken = ask(taker, _gift(make, "1.0"), _gift(make, "2.0", _promise("2.0", "2.0")))
    assert broken.verdict is Verdict.INVALID
    assert ask(taker, _gift(make, "1.0"), _gift(make, "2.0")).verdict is Verdict.VALID


def test_what_the_consumer_was_built_with_counts_where_its_record_says_so(
    make: Factory, ask
) -> None:
    taker = make.extension("taker", strings=(CAPSULE,), requires=["gift"])
    built = BuildRequirement(name="gift", version="0.9", digests=())
    embed(taker, build_inputs=replace(INPUTS, requirements=(built,)), looked_for=("gift",))
    old, new = _gift(make, "1.0"), _gift(make, "2.0", _promise("1.0", "2.0"), header="int b;")
    judgement = ask(taker, old, new)
    assert judgement.verdict is Verdict.INVALID
    (broken,) = (each for _, each in judgement.reasons if each.kind == "series-broken")
    assert broken.data()["built"] == "0.9"


def test_no_promise_makes_up_for_a_symbol_that_is_gone(make: Factory, ask) -> None:
    taker, old = make.linked(), make.library("1.0")
    new = make.library("1.1", source="int gift_shut(void) { return 2; }", header="int x;")
    embed(new, build_inputs=None, looked_for=(), series=[_promise("1.0", "1.1", "linking")])
    judgement = ask(taker, old, new)
    assert judgement.verdict is Verdict.INVALID
    assert "series-fits" not in _kinds(judgement)


def test_a_promise_of_all_linking_covers_a_library(make: Factory, ask) -> None:
    taker, old = make.linked(), make.library("1.0")
    new = make.library("1.1", header="int gift_open(int);\n")
    assert ask(taker, old, new).verdict is Verdict.UNKNOWN
    embed(new, build_inputs=None, looked_for=(), series=[_promise("1.0", "1.1", "linking")])
    assert ask(taker, old, new).verdict is Verdict.VALID


# Tags


def test_tags_that_promise_too_much_are_noted_and_decide_nothing(make: Factory, ask) -> None:
    bumped = make.numpy_1(), make.numpy_2()
    told = make.extension("taker", tag="cp38-abi3-manylinux_2_17_x86_64")
    judgement = ask(told, *bumped)
    assert judgement.verdict is Verdict.VALID
    assert "for-one-python" in _kinds(judgement)
    assert "for-one-python" not in _kinds(ask(make.extension("other"), *bumped))


@pytest.fixture
def recorded(make: Factory) -> Path:
    """A consumer of `gift` that carries a record which names it."""
    wheel = make.linked()
    with WheelArchive.open(make.library("1.0")) as archive:
        names = binding_names(member.name for member in archive.members)
    embed(wheel, build_inputs=None, looked_for=names)
    return wheel


def test_a_fresh_record_is_used(make: Factory, ask, recorded: Path) -> None:
    judgement = ask(recorded, make.library("1.0"), make.library("1.1"))
    assert judgement.verdict is Verdict.VALID
    assert _notes(judgement, recorded) == []


def test_records_and_derivation_give_the_same_verdicts(make: Factory, ask, recorded: Path) -> None:
    derived = make.linked("other")
    for new in (
        make.library("1.1"),
        make.library("1.2", header="int gift_open(int);\n"),
        make.library("2.0", source="int gift_shut(void) { return 2; }"),
    ):
        old = make.library("1.0")
        assert ask(recorded, old, new).verdict is ask(derived, old, new).verdict
        for wheel in (old, new):
            embed(wheel, build_inputs=None, looked_for=())
        judgement = ask(recorded, old, new)
        assert judgement.verdict is ask(derived, old, new).verdict
        assert not any(reason.kind == "derived" for _, reason in judgement.reasons)


def test_a_record_that_does_not_speak_of_the_provider_is_derived_anew(
    make: Factory, ask, recorded: Path
) -> None:
    judgement = ask(recorded, make.numpy_1(), make.numpy_2())
    assert judgement.verdict is Verdict.VALID
    assert _notes(judgement, recorded) == [
        "its record does not say whether its binaries name this provider"
    ]


def test_a_stale_record_is_derived_anew(make: Factory, ask, recorded: Path) -> None:
    other = make.module("taker", "gift._secret")
    _replace(recorded, f"taker/_taker{SUFFIX}", lambda _: other)
    judgement = ask(recorded, make.library("1.0"), make.library("1.1"))
    assert judgement.verdict is Verdict.UNKNOWN
    assert "is stale" in _notes(judgement, recorded)[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.replace(b'"schema_version":"0.1"', b'"schema_version":"9.0"'),
         "only '0.1' is understood"),
        (lambda data: data[:-20], "is not JSON"),
        (lambda data: b"[]", "must be an object"),
        (lambda data: data.replace(b'"objects":[', b'"objects":[7,', 1), "must be an object"),
        (lambda data: data.replace(b'"needed":["libgift.so.1"]', b'"needed":"libgift.so.1"'),
         "must be a list"),
        (lambda data: data.replace(b'"looked_for":[', b'"looked_for":[7,'), "must be a string"),
        (lambda data: data.replace(b'"tails":[]', b'"tails":[{}]'), "must be a string"),
    ],
    ids=["schema", "cut", "list", "objects", "needed", "looked_for", "tails"],
)  # fmt: skip
def test_a_record_that_cannot_be_used_counts_as_absent(
    make: Factory, ask, recorded: Path, change, said: str
) -> None:
    def checked(data: bytes) -> bytes:
        compact = data.replace(b'": ', b'":').replace(b'", "', b'","').replace(b"\n", b"")
        changed = change(compact)
        assert changed != compact
        return changed

    _replace(recorded, FINGERPRINT, checked)
    good = ask(recorded, make.library("1.0"), make.library("1.1"))
    assert said in _notes(good, recorded)[0]
    assert good.verdict is Verdict.VALID
    broken = make.library("2.0", source="int gift_shut(void) { return 2; }")
    assert ask(recorded, make.library("1.0"), broken).verdict is Verdict.INVALID


def test_a_record_that_lies_about_its_digest_counts_as_absent(
    make: Factory, ask, recorded: Path
) -> None:
    _replace(recorded, FINGERPRINT, lambda data: data + b"\n", keep_record=True)
    judgement = ask(recorded, make.library("1.0"), make.library("1.1"))
    assert "RECORD does not list" in _notes(judgement, recorded)[0]


def test_a_record_that_hides_the_binaries_is_stale(make: Factory, ask, recorded: Path) -> None:
    pure = make.pure("plain")
    embed(pure, build_inputs=None, looked_for=())
    with WheelArchive.open(pure) as archive:
        says_pure = archive.read(f"{archive.dist_info}/{FINGERPRINT}")
    _replace(recorded, FINGERPRINT, lambda _: says_pure)
    broken = make.library("2.0", source="int gift_shut(void) { return 2; }")
    judgement = ask(recorded, make.library("1.0"), broken)
    assert judgement.verdict is Verdict.INVALID
    assert "is stale" in _notes(judgement, recorded)[0]


def test_wrong_facts_of_a_provider_are_unknown(make: Factory, ask, recorded: Path) -> None:
    new = make.library("1.1")
    embed(new, build_inputs=None, looked_for=())
    _replace(
        new, FINGERPRINT, lambda data: data.replace(b'"libraries"', b'"libs"').replace(b"\n", b"")
    )
    judgement = ask(recorded, make.library("1.0"), new)
    assert judgement.verdict is Verdict.UNKNOWN
    assert "wheel-unreadable" in _kinds(judgement)
    assert _notes(judgement, recorded) == []


def test_an_interface_that_is_not_known_here_is_unknown(make: Factory, ask, recorded: Path) -> None:
    def add(data: bytes) -> bytes:
        table = json.loads(data)
        table["requires"].append({"interface": "telepathy", "basis": "declared", "facts": {}})
        return json.dumps(table).encode()

    _replace(recorded, FINGERPRINT, add)
    judgement = ask(recorded, make.library("1.0"), make.library("1.1"))
    assert judgement.verdict is Verdict.UNKNOWN
    assert "interface-unknown" in _kinds(judgement)


def test_an_elf_without_anything_binds_to_nothing(make: Factory, ask) -> None:
    consumer = make.extension("alone", data=bytes(Image()))
    assert ask(consumer, make.numpy_1(), make.numpy_2()).verdict is Verdict.VALID
