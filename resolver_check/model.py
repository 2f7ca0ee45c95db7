"""The nouns of the checker: what was asked, and what was answered with which reasons."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar, Final

from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason


class Verdict(str, enum.Enum):
    """The answer for one wheel."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class EvidenceLevel(str, enum.Enum):
    """A policy: the least evidence that a binding must have for `valid`."""

    PROVEN = "proven"
    PROMISED = "promised"
    SYMBOLS = "symbols"

    @property
    def accepted(self) -> frozenset[Evidence]:
        """The kinds of evidence that count at this level."""
        return _ACCEPTED[self]

    @classmethod
    def accepting(cls, evidence: Evidence) -> EvidenceLevel:
        """The strictest level at which `evidence` counts."""
        return next(level for level in cls if evidence in level.accepted)


_PROVEN: Final = frozenset({Evidence.SAME_INPUTS, Evidence.NO_BINDING, Evidence.PURE})
_PROMISED: Final = _PROVEN | {Evidence.SAME_INTERFACE, Evidence.PROMISE, Evidence.TYPES}
_ACCEPTED: Final = {
    EvidenceLevel.PROVEN: _PROVEN,
    EvidenceLevel.PROMISED: _PROMISED,
    EvidenceLevel.SYMBOLS: _PROMISED | {Evidence.SYMBOLS},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PureConsumer(Reason):
    """The consumer holds no binary, so a rebuild could not come out otherwise."""

    kind: ClassVar[str] = "pure"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.PURE


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltTheSame(Reason):
    """The provider was rebuilt, and all that an installer would write is as it was."""

    kind: ClassVar[str] = "rebuilt-the-same"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.SAME_INPUTS
    wheel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoBinding(Reason):
    """No binary of the consumer links to the provider, names it, or shares a registry with it."""

    kind: ClassVar[str] = "no-binding"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.NO_BINDING
    looked_for: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadBinary(Reason):
    """A binary could not be read, so what it binds to is not known."""

    kind: ClassVar[str] = "unread-binary"
    effect: ClassVar[Effect] = Effect.OPEN
    wheel: str
    path: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceUnknown(Reason):
    """The record names an interface that this program does not know."""

    kind: ClassVar[str] = "interface-unknown"
    effect: ClassVar[Effect] = Effect.OPEN
    interface: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlugInFailed(Reason):
    """The interface of a third party could not judge what the record says by it."""

    kind: ClassVar[str] = "plug-in-failed"
    effect: ClassVar[Effect] = Effect.OPEN
    interface: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetsDiffer(Reason):
    """Consumer and new provider are for different interpreters or platforms."""

    kind: ClassVar[str] = "targets-differ"
    effect: ClassVar[Effect] = Effect.OPEN
    consumer: tuple[str, ...]
    provider: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelUnreadable(Reason):
    """A wheel that had to be read could not be."""

    kind: ClassVar[str] = "wheel-unreadable"
    effect: ClassVar[Effect] = Effect.OPEN
    wheel: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogSilent(Reason):
    """The catalog by which a wheel is judged does not tell what has to be known of it."""

    kind: ClassVar[str] = "catalog-silent"
    effect: ClassVar[Effect] = Effect.OPEN
    wheel: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoNewWheel(Reason):
    """The source has no wheel of the new version for this target; only metadata is known."""

    kind: ClassVar[str] = "no-new-wheel"
    effect: ClassVar[Effect] = Effect.OPEN
    name: str
    version: str | None
    """None: it has none of any version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderGone(Reason):
    """The consumer needs a provider that disappears."""

    kind: ClassVar[str] = "provider-gone"
    effect: ClassVar[Effect] = Effect.REFUSES
    name: str
    is_required: bool
    """By its metadata, so that no rebuild alone helps; else its binaries bind to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequirementChanged(Reason):
    """The consumer was built with another version than the new one, or nobody knows with which."""

    kind: ClassVar[str] = "build-requirement-changed"
    effect: ClassVar[Effect] = Effect.OPEN
    name: str
    built: str | None
    """None: it has no record of its build inputs."""
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived(Reason):
    """The wheel's fingerprint was taken on the fly from its binaries, and why."""

    kind: ClassVar[str] = "derived"
    effect: ClassVar[Effect] = Effect.NOTE
    wheel: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordUnused(Reason):
    """A record other than the fingerprint cannot be used, and why; it counts as absent."""

    kind: ClassVar[str] = "record-unused"
    effect: ClassVar[Effect] = Effect.NOTE
    wheel: str
    record: str
    """File name in `.dist-info`."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict with all that speaks for and against it."""

    verdict: Verdict
    bindings: tuple[Binding, ...] = ()
    """Every way in which the consumer hangs on the provider."""
    general: tuple[Reason, ...] = ()
    """Reasons that belong to no single binding."""

    @property
    def reasons(self) -> tuple[tuple[str | None, Reason], ...]:
        """Every reason once, with its interface (None: a general one), the weightiest first."""
        rows: list[tuple[str | None, Reason]] = [(None, reason) for reason in self.general]
        rows += [(each.interface, reason) for each in self.bindings for reason in each.reasons]
        return tuple(sorted(dict.fromkeys(rows), key=lambda row: _BY_WEIGHT.index(row[1].effect)))

    @property
    def decisive(self) -> tuple[Reason, ...]:
        """The reasons that carry the verdict; of an unknown one also what that falls short."""
        for effect in _DECISIVE[self.verdict]:
            if found := tuple(reason for _, reason in self.reasons if reason.effect is effect):
                return found
        return ()


_BY_WEIGHT: Final = (Effect.REFUSES, Effect.OPEN, Effect.SUPPORTS, Effect.NOTE)
_DECISIVE: Final = {
    Verdict.VALID: (Effect.SUPPORTS,),
    Verdict.INVALID: (Effect.REFUSES,),
    Verdict.UNKNOWN: (Effect.OPEN, Effect.SUPPORTS),
}
