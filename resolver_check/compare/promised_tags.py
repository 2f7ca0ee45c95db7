"""What the tags of a wheel promise, held against what its binaries use of the interpreter.

Tags decide where a wheel is installed; whether they keep their word decides nothing about a bump,
so what is found is a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from packaging.tags import Tag

from backend_shim.interfaces.cpython import InterpreterUse, ModuleTarget, module_target
from backend_shim.interfaces.reasons import Effect, Reason

_STABLE: Final = ("abi3", "abi3t")


@dataclass(frozen=True, slots=True, kw_only=True)
class TagTooOld(Reason):
    """The tag promises a CPython that does not have all of the stable ABI that is used."""

    kind: ClassVar[str] = "tag-too-old"
    effect: ClassVar[Effect] = Effect.NOTE
    tag: str
    needed: str
    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideStableAbi(Reason):
    """The tag promises the stable ABI, and binaries use what is not in it."""

    kind: ClassVar[str] = "outside-stable-abi"
    effect: ClassVar[Effect] = Effect.NOTE
    tag: str
    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForOnePython(Reason):
    """The tag promises several Pythons, and modules or the libraries they need are of one."""

    kind: ClassVar[str] = "for-one-python"
    effect: ClassVar[Effect] = Effect.NOTE
    tag: str
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForAnotherPython(Reason):
    """No Python that the tags name looks for modules with these suffixes."""

    kind: ClassVar[str] = "for-another-python"
    effect: ClassVar[Effect] = Effect.NOTE
    tags: tuple[str, ...]
    suffixes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyPythonPromised(Reason):
    """The tag promises every Python 3 of every implementation, and there are extension modules."""

    kind: ClassVar[str] = "any-python-promised"
    effect: ClassVar[Effect] = Effect.NOTE
    tag: str
    suffixes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoExportHook(Reason):
    """Modules for free-threaded CPythons of the stable ABI lack the hook that these load by."""

    kind: ClassVar[str] = "no-export-hook"
    effect: ClassVar[Effect] = Effect.NOTE
    hooks: tuple[str, ...]


def broken_promises(tags: Iterable[Tag], use: InterpreterUse) -> Iterator[Reason]:
    """Where the tags of a wheel promise more than `use` allows."""
    ordered = sorted(tags, key=str)
    stable = [each for each in ordered if each.abi in _STABLE]
    if stable:
        yield from _of_stable_abi(min(stable, key=_oldest), use)
    any_python = [each for each in ordered if (each.interpreter, each.abi) == ("py3", "none")]
    if any_python and use.suffixes:
        yield AnyPythonPromised(tag=str(any_python[0]), suffixes=use.suffixes)
    if not stable and not any_python:
        yield from _of_one_python(ordered, use)
    for_threads = any(each.abi == "abi3t" for each in ordered) or any(
        each.startswith(".abi3t.") for each in use.suffixes
    )
    if for_threads and use.suffixes and "PyModExport" not in use.hooks:
        yield NoExportHook(hooks=use.hooks)


def _of_stable_abi(tag: Tag, use: InterpreterUse) -> Iterator[Reason]:
    one = [each for each in use.suffixes if module_target(each)] + [*use.versioned_libraries]
    if one:
        yield ForOnePython(tag=str(tag), found=tuple(one))
    if use.stable_abi is None:
        return
    if use.stable_abi.floor > _oldest(tag):
        needed, symbols = use.stable_abi.added[-1]
        yield TagTooOld(tag=str(tag), needed="{}.{}".format(*needed), symbols=symbols)
    if use.stable_abi.outside:
        yield OutsideStableAbi(tag=str(tag), symbols=use.stable_abi.outside)


def _of_one_python(tags: Iterable[Tag], use: InterpreterUse) -> Iterator[Reason]:
    named = {found for tag in tags if (found := _target(tag)) is not None}
    targets = {each: module_target(each) for each in use.suffixes}
    # A wheel may bring modules for several Pythons, so one that fits is enough.
    if targets and named and named.isdisjoint(targets.values()) and None not in targets.values():
        yield ForAnotherPython(tags=tuple(map(str, tags)), suffixes=tuple(targets))


def _target(tag: Tag) -> ModuleTarget | None:
    """The CPython that a tag such as cp313-cp313t names."""
    return module_target(f".{tag.abi}.so") if tag.abi.startswith("cp") else None


def _oldest(tag: Tag) -> tuple[int, int]:
    """The oldest CPython that accepts the tag."""
    digits = tag.interpreter.removeprefix("cp")
    return (int(digits[0]), int(digits[1:] or 0)) if digits.isdigit() else (3, 0)
