"""Types as evidence: what a consumer takes by linking has the same types in the new provider.

The digests cover a symbol's type and all that can be reached from it (`binary.type_digests`). They
are blind to what headers compile into a consumer: macros, constants, inline functions, templates.
So digests alone prove nothing. They answer for declarations that differ in the provider's headers;
all else there has to be as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from backend_shim.interfaces.declarations import Item, Kind
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Effect, Evidence, Reason
from backend_shim.record.type_tables import TypedSymbol, TypeTables

DIGESTS: Final = "digests"

_ATTRIBUTES: Final = frozenset(
    {"__attribute__", "__attribute", "__declspec", "_Pragma", "__pragma", "asm", "__asm__", "__asm"}
)
_SCALARS: Final = frozenset(
    {
        *("bool", "_Bool", "char", "short", "int", "long", "float", "double", "signed", "unsigned"),
        *("int8_t", "int16_t", "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t"),
        *("void", "size_t", "ssize_t", "ptrdiff_t", "intptr_t", "uintptr_t"),
    }
)
_NOT_PLAIN: Final = _ATTRIBUTES | {"[", "=", "{"}
_NOT_LAYOUT: Final = _ATTRIBUTES | {
    *("=", "enum", "class", "static", "inline", "virtual", "operator", "template", "friend"),
    *("using", "public", "private", "protected", "constexpr", "alignas", "_Alignas", "~"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TypesUnchanged(Reason):
    """All that is taken has the same types as before, and headers compile nothing else in."""

    kind: ClassVar[str] = "types-unchanged"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.TYPES
    symbols: int
    by: str
    """`digests`, or the tool that compared them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypesChanged(Reason):
    """Types of what is taken differ, which may be harmless or not."""

    kind: ClassVar[str] = "types-changed"
    effect: ClassVar[Effect] = Effect.OPEN
    symbols: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledInChanged(Reason):
    """The types are the same, but not what headers compile into a consumer without a type."""

    kind: ClassVar[str] = "compiled-in-changed"
    effect: ClassVar[Effect] = Effect.OPEN
    symbols: int
    by: str
    declarations: tuple[str, ...]
    """The first few that types do not answer for; empty where no header declares all symbols."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypesUnknown(Reason):
    """Types were to be had for a part only, or could not be compared."""

    kind: ClassVar[str] = "types-unknown"
    effect: ClassVar[Effect] = Effect.NOTE
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeComparison:
    """What became of the types of some symbols."""

    changed: tuple[str, ...]
    unknown: tuple[str, ...]
    """Symbols without a digest in the old or the new provider."""
    is_closed: bool
    """Whether all data that pass have a type."""


def exporters(symbols: Collection[str], provider: Provider) -> dict[str, tuple[str, ...]]:
    """By symbol, the paths of the libraries of `provider` that export it."""
    found: dict[str, list[str]] = {name: [] for name in symbols}
    for each in provider.symbols.objects:
        for name in {symbol.name for symbol in each.symbols} & found.keys():
            found[name].append(each.path)
    return {name: tuple(paths) for name, paths in found.items()}


def compare_digests(
    symbols: Iterable[str], old: dict[str, TypedSymbol], new: dict[str, TypedSymbol]
) -> TypeComparison:
    """`old` and `new` are what `digests_of` found."""
    wanted = sorted(symbols)
    known = [name for name in wanted if name in old and name in new]
    return TypeComparison(
        changed=tuple(name for name in known if old[name].digest != new[name].digest),
        unknown=tuple(name for name in wanted if name not in old or name not in new),
        is_closed=all(old[name].is_closed for name in known),
    )


def digests_of(
    symbols: Collection[str], provider: Provider, tables: TypeTables, method: str
) -> dict[str, TypedSymbol]:
    """The digests by symbol, made by `method`.

    Left out is one that some library exports without a digest, or that two give different types.
    """
    typed = {
        (each.path, symbol.name): symbol
        for each in tables.objects
        if each.method == method
        for symbol in each.symbols
    }
    found = {
        name: {typed.get((path, name)) for path in paths}
        for name, paths in exporters(symbols, provider).items()
    }
    return {
        name: only
        for name, entries in found.items()
        if len(entries) == 1 and (only := next(iter(entries))) is not None
    }


def answers_for(old: Item, new: Sequence[Item], *, is_closed: bool) -> bool:
    """Whether types that did not change answer for a declaration whose text did.

    For what plainly declares functions or variables; not where attributes, default values or sizes
    of array parameters come in, which debug information does not have. If all data that pass have
    a type, for structs, unions and names of types too: others than those are not exchanged.
    """
    if old.kind is Kind.FUNCTION:
        return all(each.kind is Kind.FUNCTION and _is_plain(each) for each in (old, *new))
    if old.kind is Kind.DECLARED and is_closed:
        return all(each.kind is Kind.DECLARED and _is_layout(each) for each in (old, *new))
    return False


def _is_plain(item: Item) -> bool:
    # `f()` declares no parameters in C.
    is_prototype = "()" not in "".join(item.text)
    return is_prototype and _NOT_PLAIN.isdisjoint(item.text) and not _has_directive(item)


def _is_layout(item: Item) -> bool:
    """A `struct`, `union` or `typedef` that defines members and types, and nothing to be run.

    Not one that begins with another struct, or may: in C that is how types inherit, and a pointer
    to the first member is handed on in place of one to the whole.
    """
    tokens = item.text
    return (
        tokens[0] in ("struct", "union", "typedef")
        and _NOT_LAYOUT.isdisjoint(tokens)
        and not _has_directive(item)
        and all(
            not {"struct", "union"}.isdisjoint(tokens[max(at - 2, 0) : at])
            and _is_scalar(tokens[at + 1 : at + 4])
            for at, token in enumerate(tokens)
            if token == "{"  # noqa: S105 - a token of C
        )
    )


def _is_scalar(member: Sequence[str]) -> bool:
    """Whether a member that begins with these tokens is a number or a pointer."""
    first = next((each for each in member if each not in ("const", "volatile")), "")
    return first in _SCALARS or (len(member) == 3 and member[0] == "struct" and member[2] == "*")


def _has_directive(item: Item) -> bool:
    return any(token.startswith("#") for token in item.text)
