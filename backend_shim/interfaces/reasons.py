"""What an interface answers: bindings, with reasons for them, against them, or why left open.

A reason is a small class with data; `resolver_check.report.explain` puts it into a sentence. Each
interface keeps its own reasons in its own file.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields
from typing import ClassVar

from backend_shim.interfaces.provider import Declaration
from backend_shim.record.canonical import JSONValue


class Effect(str, enum.Enum):
    """What a reason does to the verdict."""

    SUPPORTS = "supports"
    """Evidence that the binding holds; counts if the policy accepts its kind."""
    REFUSES = "refuses"
    """The binding does not hold: the wheel is invalid, whatever else is known."""
    OPEN = "open"
    """Why nothing could be concluded."""
    NOTE = "note"
    """Worth saying; decides nothing."""


class Evidence(str, enum.Enum):
    """Kinds of evidence, strongest first."""

    SAME_INPUTS = "same-inputs"
    SAME_INTERFACE = "same-interface"
    PROMISE = "promise"
    TYPES = "types"
    SYMBOLS = "symbols"
    NO_BINDING = "no-binding"
    PURE = "pure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a verdict is what it is; subclasses add the data."""

    kind: ClassVar[str]
    effect: ClassVar[Effect]
    evidence: ClassVar[Evidence | None] = None

    def sentence(self) -> str | None:
        """What it says, in one line: of a third party's reason, which has no other sentence."""
        return None

    def data(self) -> dict[str, JSONValue]:
        """The fields of the subclass as JSON."""
        return {field.name: _json(getattr(self, field.name)) for field in fields(self)}


def _json(value: object) -> JSONValue:
    if isinstance(value, (tuple, list)):
        return [_json(each) for each in value]
    if value is None or isinstance(value, (str, int, bool)):
        return value
    raise TypeError(f"a reason cannot hold {type(value).__name__}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One way in which the consumer hangs on the provider, and what was found about it."""

    interface: str
    reasons: tuple[Reason, ...]
    declarations: tuple[Declaration, ...] = ()
    """What interface files of the provider have to declare, unchanged, in order to prove this
    binding. Empty: no file can prove it."""
    compiled_from: tuple[Declaration, ...] = ()
    """What tells of a file that the binding was compiled from it, where `declarations` do not: they
    would have to be in files that lay out all that is used."""
    symbols: tuple[str, ...] = ()
    """What the loader takes from the provider, all of it found there."""
