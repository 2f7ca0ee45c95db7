"""Interfaces of third parties: entry points of the group `wheel_abi.interfaces`.

What an entry point names, a module or any object, has the attributes that the modules beside this
one have. It is loaded once, when it is first asked for. Where it fails, the wheel or binding that
it failed on stays unknown; where it cannot be used at all, that is an error, since to go on without
it would leave bindings out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, TypeVar

from backend_shim.errors import (
    BackendShimError,
    InterfaceFailed,
    InvalidBinary,
    InvalidRecord,
)
from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.record.canonical import JSONValue
from backend_shim.record.facts import Facts

_T = TypeVar("_T")

GROUP: Final = "wheel_abi.interfaces"

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_FUNCTIONS: Final = ("read_object", "provides", "requires", "is_satisfied")
_OPTIONAL_FUNCTIONS: Final = ("explains", "accounts_for")


def load_plug_ins(taken: frozenset[str]) -> Iterator[PlugIn]:
    """The installed interfaces of third parties, by name; none may have a name that is `taken`.

    Raises InterfaceFailed.
    """
    found: dict[str, PlugIn] = {}
    for entry in sorted(set(entry_points(group=GROUP)), key=lambda each: (each.name, each.value)):
        plug_in = _load(entry)
        if plug_in.NAME in taken | found.keys():
            raise InterfaceFailed(_shown(entry), f"the name {plug_in.NAME!r} is taken already")
        found[plug_in.NAME] = plug_in
    yield from (found[name] for name in sorted(found))


def _load(entry: EntryPoint) -> PlugIn:
    try:
        loaded = entry.load()
    except Exception as error:
        raise InterfaceFailed(_shown(entry), f"cannot be loaded: {_described(error)}") from error
    return PlugIn(_shown(entry), loaded)


def _shown(entry: EntryPoint) -> str:
    distribution = f" of {entry.dist.name} {entry.dist.version}" if entry.dist else ""
    return f"{entry.name} ({entry.value}{distribution})"


def _described(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


class PlugIn:
    """An interface of a third party, with the attributes of a module of this package.

    Its functions raise what those may raise; whatever else goes wrong becomes one of these.
    """

    def __init__(self, shown: str, loaded: Any) -> None:
        """`shown` is how errors name it. Raises InterfaceFailed where an attribute is wrong."""
        self._shown = shown
        self._loaded = loaded
        # Under the names that a module has.
        name = getattr(loaded, "NAME", None)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise self._failed(f"NAME must be lower-case words with hyphens, not {name!r}")
        if missing := [each for each in _FUNCTIONS if not callable(getattr(loaded, each, None))]:
            raise self._failed(f"has no function {' and no '.join(missing)}")
        for each in _OPTIONAL_FUNCTIONS:
            if hasattr(loaded, each) and not callable(getattr(loaded, each)):
                raise self._failed(f"{each} must be a function")
        self.NAME = name
        self.PROVIDER = self._attribute("PROVIDER", None, (str, type(None)))
        self.WANTED_TEXT = self._attribute("WANTED_TEXT", (), (tuple,))
        if not all(isinstance(each, str) for each in self.WANTED_TEXT):
            raise self._failed("WANTED_TEXT must hold strings")

    def _attribute(self, name: str, default: Any, kinds: tuple[type, ...]) -> Any:
        value = getattr(self._loaded, name, default)
        if not isinstance(value, kinds):
            raise self._failed(f"{name} must be {kinds[0].__name__}, not {type(value).__name__}")
        return value

    def _failed(self, wrong: str) -> InterfaceFailed:
        return InterfaceFailed(self._shown, wrong)

    def _call(
        self,
        function: str,
        *arguments: object,
        then: Callable[[Any], _T],
        may_raise: type[BackendShimError] | tuple[()] = (),
    ) -> _T:
        """`then` of what the function returns; it counts as a part of it."""
        try:
            return then(getattr(self._loaded, function)(*arguments))
        except may_raise:
            raise
        except Exception as error:
            raise self._failed(f"{function} failed: {_described(error)}") from error

    def read_object(self, opened: OpenObject) -> JSONValue:
        """What it sees in a binary. Raises InvalidBinary, so that the binary counts as unread."""
        try:
            return self._call("read_object", opened, then=_as_json, may_raise=InvalidBinary)
        except InterfaceFailed as error:
            raise InvalidBinary(f"interface {error}") from error

    def accounts_for(self, found: JSONValue) -> frozenset[str]:
        """The names that its facts answer for. Raises InvalidBinary."""
        if not hasattr(self._loaded, "accounts_for"):
            return frozenset()
        try:
            return self._call("accounts_for", found, then=_as_names, may_raise=InvalidBinary)
        except InterfaceFailed as error:
            raise InvalidBinary(f"interface {error}") from error

    def explains(self, module: str) -> bool:
        """Whether it accounts for that module; where it fails it does not. Raises nothing."""
        if not hasattr(self._loaded, "explains"):
            return False
        try:
            return self._call("explains", module, then=lambda answer: answer is True)
        except InterfaceFailed:
            return False

    def provides(self, wheel: InspectedWheel) -> Facts | None:
        """What the wheel offers. Raises InterfaceFailed."""
        return self._call("provides", wheel, then=_as_facts)

    def requires(self, wheel: InspectedWheel) -> Facts | None:
        """What the wheel needs. Raises InterfaceFailed."""
        return self._call("requires", wheel, then=_as_facts)

    def is_satisfied(self, required: Facts, old: Provider, new: Provider) -> tuple[Binding, ...]:
        """Its bindings. Raises InterfaceFailed, InvalidRecord."""
        return self._call(
            "is_satisfied", required, old, new, then=_as_bindings, may_raise=InvalidRecord
        )


def _as_json(value: Any) -> JSONValue:
    # Facts take nothing but JSON.
    return Facts({"found": value}).thaw()["found"]


def _as_names(value: Any) -> frozenset[str]:
    return frozenset(map(str, value))


def _as_facts(value: Any) -> Facts | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f"must return facts or None, not {type(value).__name__}")
    return Facts(value)


def _as_bindings(value: Any) -> tuple[Binding, ...]:
    if not isinstance(value, tuple) or not all(map(_is_binding, value)):
        raise TypeError("must return a tuple of bindings with their reasons")
    return value


def _is_binding(value: object) -> bool:
    return isinstance(value, Binding) and all(map(_is_reason, value.reasons))


def _is_reason(value: object) -> bool:
    """Whether a report can be made of it."""
    if not isinstance(value, Reason) or not isinstance(getattr(value, "kind", None), str):
        return False
    try:
        value.data()
    except TypeError:
        return False
    return isinstance(getattr(value, "effect", None), Effect) and (
        value.evidence is None or isinstance(value.evidence, Evidence)
    )
