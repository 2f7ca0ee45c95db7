"""What one interface says about one wheel: JSON that cannot change.

Each interface has facts of its own shape, and third parties may add interfaces; so the record keeps
facts as plain JSON and the interface's own file decodes them. Frozen, hashable and picklable, as
every noun that travels to a worker must be (`MappingProxyType` cannot be pickled).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from backend_shim.record.canonical import JSONValue

Fact: TypeAlias = "str | int | bool | tuple[Fact, ...] | Facts | None"


class Facts(Mapping[str, Fact]):
    """An immutable JSON object."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, object]) -> None:
        """Raises TypeError for what is not JSON."""
        self._values: dict[str, Fact] = {key: _freeze(values[key]) for key in sorted(values)}

    def __getitem__(self, key: str) -> Fact:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(tuple(self._values.items()))

    def __repr__(self) -> str:
        return f"Facts({self._values!r})"

    def thaw(self) -> dict[str, JSONValue]:
        """The same object as plain dicts and lists."""
        return {key: _thaw(value) for key, value in self._values.items()}


def _freeze(value: object) -> Fact:
    if isinstance(value, Mapping):
        return Facts(value)
    if isinstance(value, (list, tuple)):
        return tuple(_freeze(each) for each in value)
    if value is None or isinstance(value, (str, int)):
        return value
    raise TypeError(f"facts cannot hold {type(value).__name__}")


def _thaw(value: Fact) -> JSONValue:
    if isinstance(value, Facts):
        return value.thaw()
    if isinstance(value, tuple):
        return [_thaw(each) for each in value]
    return value
