"""The rule: bindings and the level of evidence make the verdict."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar

import pytest

from backend_shim.interfaces import table
from backend_shim.interfaces.interface_tree import InterfaceTree, read_tree
from backend_shim.interfaces.provider import Declaration, Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import (
    AbiFingerprint,
    Basis,
    Generator,
    InterfaceFacts,
    SymbolTables,
    UnreadObject,
)
from resolver_check.compare import judgement as rule
from resolver_check.compare.judgement import judge_fingerprints
from resolver_check.model import EvidenceLevel, Judgement, NoNewWheel, Verdict

PROVEN, PROMISED, SYMBOLS = EvidenceLevel
VALID, INVALID, UNKNOWN = Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class _Support(Reason):
    kind: ClassVar = "support"
    effect: ClassVar = Effect.SUPPORTS
    level: Evidence

    @property
    def evidence(self) -> Evidence:  # type: ignore[override]
        return self.level


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unnamed(Reason):
    kind: ClassVar = "unnamed"
    effect: ClassVar = Effect.SUPPORTS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal(Reason):
    kind: ClassVar = "refusal"
    effect: ClassVar = Effect.REFUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open(Reason):
    kind: ClassVar = "open"
    effect: ClassVar = Effect.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note(Reason):
    kind: ClassVar = "note"
    effect: ClassVar = Effect.NOTE


SAME_INPUTS = _Support(level=Evidence.SAME_INPUTS)
PROMISE = _Support(level=Evidence.PROMISE)
EXPORTED = _Support(level=Evidence.SYMBOLS)
REFUSED, OPEN, NOTE = _Refusal(), _Open(), _Note()


def _provider(version: str) -> Provider:
    return Provider(
        name="gift",
        version=version,
        provided={},
        required={},
        modules=frozenset({"gift"}),
        binding_names=frozenset({"gift"}),
        explained_modules=frozenset(),
        read_symbols=SymbolTables,
    )


def _no_trees(_wanted: frozenset[str]) -> tuple[InterfaceTree, InterfaceTree]:
    raise AssertionError("no interface file had to be read")


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch):
    """Judge a consumer with the given bindings, each a tuple of reasons or a Binding."""

    def run(
        *bindings: Binding | tuple[Reason, ...],
        level: EvidenceLevel = PROMISED,
        general: tuple[Reason, ...] = (),
        read_trees=_no_trees,
        unread: tuple[UnreadObject, ...] = (),
        is_purelib: bool = False,
    ) -> Judgement:
        made = tuple(
            each if isinstance(each, Binding) else Binding(interface="made-up", reasons=each)
            for each in bindings
        )
        interface = table.Interface(
            name="made-up",
            read_object=lambda _: None,
            provides=lambda _: None,
            requires=lambda _: None,
            is_satisfied=lambda _required, _old, _new: made,
        )
        monkeypatch.setattr(
            rule, "interface_named", lambda name: interface if name == "made-up" else None
        )
        consumer = AbiFingerprint(
            generator=Generator(),
            is_purelib=is_purelib,
            unread=unread,
            requires=(InterfaceFacts(interface="made-up", basis=Basis.OBSERVED, facts=Facts({})),),
        )
        return judge_fingerprints(
            consumer, _provider("1"), _provider("2"),
            level=level, read_trees=read_trees, general=general,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    ("bindings", "proven", "promised", "symbols"),
    [
        ([], VALID, VALID, VALID),
        ([(SAME_INPUTS,)], VALID, VALID, VALID),
        ([(PROMISE,)], UNKNOWN, VALID, VALID),
        ([(EXPORTED,)], UNKNOWN, UNKNOWN, VALID),
        ([(REFUSED,)], INVALID, INVALID, INVALID),
        ([(OPEN,)], UNKNOWN, UNKNOWN, UNKNOWN),
        ([(NOTE,)], UNKNOWN, UNKNOWN, UNKNOWN),
        ([()], UNKNOWN, UNKNOWN, UNKNOWN),
        ([(OPEN, SAME_INPUTS)], VALID, VALID, VALID),
        ([(SAME_INPUTS,), (PROMISE,)], UNKNOWN, VALID, VALID),
        ([(SAME_INPUTS,), (EXPORTED,)], UNKNOWN, UNKNOWN, VALID),
        ([(SAME_INPUTS,), (OPEN,)], UNKNOWN, UNKNOWN, UNKNOWN),
        ([(SAME_INPUTS,), (REFUSED,)], INVALID, INVALID, INVALID),
        ([(SAME_INPUTS, REFUSED)], INVALID, INVALID, INVALID),
        ([(OPEN,), (REFUSED,)], INVALID, INVALID, INVALID),
    ],
)
def test_bindings_and_level_make_the_verdict(
    ask, bindings, proven: Verdict, promised: Verdict, symbols: Verdict
) -> None:
    for level, verdict in ((PROVEN, proven), (PROMISED, promised), (SYMBOLS, symbols)):
        assert ask(*bindings, level=level).verdict is verdict


@pytest.mark.parametrize(
    ("evidence", "counts_from"),
    [
        (Evidence.SAME_INPUTS, PROVEN),
        (Evidence.NO_BINDING, PROVEN),
        (Evidence.PURE, PROVEN),
        (Evidence.SAME_INTERFACE, PROMISED),
        (Evidence.PROMISE, PROMISED),
        (Evidence.TYPES, PROMISED),
        (Evidence.SYMBOLS, SYMBOLS),
    ],
)
def test_each_kind_of_evidence_counts_from_its_level_on(
    ask, evidence: Evidence, counts_from: EvidenceLevel
) -> None:
    levels = list(EvidenceLevel)
    for level in levels:
        verdict = ask((OPEN, _Support(level=evidence)), level=level).verdict
        counts = levels.index(level) >= levels.index(counts_from)
        assert verdict is (VALID if counts else UNKNOWN), level
        assert ask((REFUSED, _Support(level=evidence)), level=level).verdict is INVALID
    assert EvidenceLevel.accepting(evidence) is counts_from


def test_every_kind_of_evidence_has_a_level() -> None:
    assert EvidenceLevel.SYMBOLS.accepted == set(Evidence)


@pytest.mark.parametrize("level", EvidenceLevel)
def test_support_without_a_kind_counts_for_nothing(ask, level: EvidenceLevel) -> None:
    """A plug-in may forget it."""
    assert ask((_Unnamed(),), level=level).verdict is UNKNOWN


def test_a_weaker_level_never_turns_valid_into_something_else(ask) -> None:
    reasons = (SAME_INPUTS, PROMISE, EXPORTED, REFUSED, OPEN, NOTE)
    for pair in itertools.combinations_with_replacement(reasons, 2):
        verdicts = [ask(pair, level=level).verdict for level in EvidenceLevel]
        if VALID in verdicts:
            assert verdicts[verdicts.index(VALID) :] == [VALID] * verdicts.count(VALID)


@pytest.mark.parametrize("level", EvidenceLevel)
def test_what_is_open_in_general_is_never_valid(ask, level: EvidenceLevel) -> None:
    general = (NoNewWheel(name="gift", version="2"),)
    assert ask(level=level, general=general).verdict is UNKNOWN
    assert ask((SAME_INPUTS,), level=level, general=general).verdict is UNKNOWN
    assert ask((REFUSED,), level=level, general=general).verdict is INVALID


@pytest.mark.parametrize("level", EvidenceLevel)
def test_an_unread_binary_is_never_valid(ask, level: EvidenceLevel) -> None:
    unread = (UnreadObject(path="a.so", why="is cut short"),)
    judgement = ask((SAME_INPUTS,), level=level, unread=unread)
    assert judgement.verdict is UNKNOWN
    assert "unread-binary" in {reason.kind for reason in judgement.general}


def test_an_unknown_interface_is_unknown() -> None:
    consumer = AbiFingerprint(
        generator=Generator(),
        is_purelib=False,
        requires=(InterfaceFacts(interface="telepathy", basis=Basis.DECLARED, facts=Facts({})),),
    )
    judgement = judge_fingerprints(
        consumer, _provider("1"), _provider("2"), level=SYMBOLS, read_trees=_no_trees
    )
    assert judgement.verdict is UNKNOWN
    assert [reason.data() for reason in judgement.general] == [{"interface": "telepathy"}]


def test_a_pure_wheel_is_valid_whatever_is_open(ask) -> None:
    general = (NoNewWheel(name="gift", version="2"),)
    judgement = ask((REFUSED,), is_purelib=True, general=general)
    assert judgement.verdict is VALID
    assert judgement.bindings == ()


def test_notes_decide_nothing(ask) -> None:
    assert ask(general=(NOTE,)).verdict is VALID


# Interface files


def _trees(old: bytes, new: bytes):
    asked: list[frozenset[str]] = []

    def read(wanted: frozenset[str]) -> tuple[InterfaceTree, InterfaceTree]:
        asked.append(wanted)
        return (
            read_tree(["g.h"], {"g.h": old}.__getitem__, wanted),
            read_tree(["g.h"], {"g.h": new}.__getitem__, wanted),
        )

    return read, asked


def _declared(*reasons: Reason) -> Binding:
    return Binding(
        interface="made-up", reasons=reasons, declarations=(Declaration(None, "gift_open"),)
    )


def test_unchanged_declarations_cover_what_is_open(ask) -> None:
    read, asked = _trees(b"int gift_open(void);", b"int gift_open(void); // new")
    judgement = ask(_declared(OPEN), read_trees=read)
    assert judgement.verdict is VALID
    assert asked == [frozenset({"gift_open"})]
    assert ask(_declared(OPEN), read_trees=read, level=PROVEN).verdict is UNKNOWN


def test_changed_declarations_cover_nothing(ask) -> None:
    read, _ = _trees(b"int gift_open(void);", b"int gift_open(int);")
    assert ask(_declared(OPEN), read_trees=read).verdict is UNKNOWN
    assert ask(_declared(EXPORTED), read_trees=read, level=SYMBOLS).verdict is VALID


def test_files_are_read_only_where_they_can_decide(ask) -> None:
    assert ask(_declared(PROMISE)).verdict is VALID
    assert ask(_declared(REFUSED)).verdict is INVALID
    assert ask((OPEN,)).verdict is UNKNOWN


def test_files_never_turn_a_no_into_a_yes(ask) -> None:
    read, _ = _trees(b"int gift_open(void);", b"int gift_open(void);")
    assert ask(_declared(REFUSED), _declared(OPEN), read_trees=read).verdict is INVALID


# What is said


def test_reasons_come_once_and_the_weightiest_first(ask) -> None:
    judgement = ask((SAME_INPUTS, REFUSED), (SAME_INPUTS, OPEN), general=(NOTE,))
    assert [reason for _, reason in judgement.reasons] == [REFUSED, OPEN, SAME_INPUTS, NOTE]


@pytest.mark.parametrize(
    ("reasons", "decisive"),
    [
        ((OPEN, SAME_INPUTS), (SAME_INPUTS,)),
        ((OPEN, REFUSED), (REFUSED,)),
        ((OPEN, EXPORTED), (OPEN,)),
        ((EXPORTED,), (EXPORTED,)),
    ],
)
def test_the_decisive_reasons_fit_the_verdict(ask, reasons, decisive) -> None:
    assert ask(reasons).decisive == decisive


def test_every_kind_of_evidence_counts_at_some_level() -> None:
    for evidence in Evidence:
        level = EvidenceLevel.accepting(evidence)
        assert evidence in level.accepted
    assert PROVEN.accepted < PROMISED.accepted < SYMBOLS.accepted
