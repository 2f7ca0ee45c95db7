"""Whether a wheel fits one CPython: the provider is the interpreter.

The two numbers of the idea this comes from: a wheel built with an alpha or beta fits an interpreter
whose ABI was not changed since, and which has all that was added until then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from packaging import tags as packaging_tags
from packaging.tags import Tag
from packaging.version import Version

from backend_shim.interfaces import cpython
from backend_shim.interfaces.cpython import InterpreterUse, ModuleTarget, module_target
from backend_shim.interfaces.provider import Declaration, Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.record.build_machine import Interpreter, release_of
from backend_shim.record.fingerprint import AbiFingerprint, SymbolTables
from backend_shim.record.series import Series
from resolver_check.compare.judgement import verdict_of
from resolver_check.compare.series import series_reasons
from resolver_check.model import EvidenceLevel, Judgement, NoBinding, PureConsumer, UnreadBinary

_ITSELF: Final = Declaration(module=cpython.PROVIDER, name=cpython.PROVIDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagsRefused(Reason):
    """No tag of the wheel is one that the interpreter accepts."""

    kind: ClassVar[str] = "tags-refused"
    effect: ClassVar[Effect] = Effect.REFUSES
    tags: tuple[str, ...]
    python: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModulesRefused(Reason):
    """The wheel's modules are for other Pythons, by their suffixes."""

    kind: ClassVar[str] = "modules-refused"
    effect: ClassVar[Effect] = Effect.REFUSES
    suffixes: tuple[str, ...]
    python: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StableAbiTooNew(Reason):
    """The wheel uses what a later CPython added to the stable ABI."""

    kind: ClassVar[str] = "stable-abi-too-new"
    effect: ClassVar[Effect] = Effect.REFUSES
    needed: str
    symbols: tuple[str, ...]
    python: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StableAbiKept(Reason):
    """All that is used is of the stable ABI, and the interpreter has it."""

    kind: ClassVar[str] = "stable-abi-kept"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.PROMISE
    needed: str
    python: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpreterUnrecorded(Reason):
    """No record says with which CPython the wheel was built."""

    kind: ClassVar[str] = "interpreter-unrecorded"
    effect: ClassVar[Effect] = Effect.OPEN
    python: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildDiffers(Reason):
    """The wheel was built with a free-threaded or debug CPython and is to run in another one."""

    kind: ClassVar[str] = "build-differs"
    effect: ClassVar[Effect] = Effect.OPEN
    built: str
    python: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Python:
    """One CPython: that which is to run a wheel, or that which built it."""

    version: str
    """PEP 440: `3.14.0b2`."""
    flags: str = ""
    """PEP 739 `abi.flags`: `t` free-threaded, `d` debug."""
    series: tuple[Series, ...] = ()
    """What is promised of its ABI; where nothing is, it is known to fit itself only."""

    @property
    def target(self) -> ModuleTarget:
        """How the suffixes of its own modules name it."""
        major, minor = Version(self.version).release[:2]
        return ModuleTarget((major, minor), self.flags)

    def as_provider(self) -> Provider:
        """The interpreter as the provider's side of a comparison."""
        itself = Series(
            name=cpython.NAME,
            last_change=self.version,
            last_addition=self.version,
            is_exact=False,
        )
        return Provider(
            name=cpython.PROVIDER,
            version=self.version,
            provided={},
            required={},
            modules=frozenset(),
            binding_names=frozenset(),
            explained_modules=frozenset(),
            read_symbols=SymbolTables,
            series=self.series or (itself,),
        )


def python_of(interpreter: Interpreter) -> Python | None:
    """The CPython that a build's record describes; None where it was another implementation."""
    version = release_of(interpreter.implementation_version)
    if interpreter.implementation != "cpython" or version is None:
        return None
    return Python(version=version, flags="".join(sorted(interpreter.abi_flags)))


def judge_interpreter(
    consumer: AbiFingerprint,
    tags: Collection[Tag],
    python: Python,
    built: Python | None,
    *,
    level: EvidenceLevel,
    wheel: str = "consumer",
) -> Judgement:
    """The judgement of a wheel that is to run in `python`.

    `built` is the one that it was built with, where its record says so. Raises InvalidRecord.
    """
    general: list[Reason] = [
        UnreadBinary(wheel=wheel, path=each.path, why=each.why) for each in consumer.unread
    ]
    bindings = [*_judge_tags(tags, python)]
    required = consumer.required(cpython.NAME)
    if consumer.is_purelib:
        general.append(PureConsumer())
    elif required is not None:
        bindings += _judge_use(cpython.decode(required.facts), tags, python, built)
    elif not general:
        general.append(NoBinding(looked_for=(cpython.PROVIDER,)))
    return Judgement(
        verdict=verdict_of(bindings, general, level),
        bindings=tuple(bindings),
        general=tuple(general),
    )


def _judge_tags(tags: Collection[Tag], python: Python) -> Iterator[Binding]:
    """A refusal where there are tags and the interpreter accepts none, whatever the platform."""
    version, flags = python.target
    name = f"cp{version[0]}{version[1]}"
    accepted = {
        (each.interpreter, each.abi)
        for each in (
            *packaging_tags.cpython_tags(version, [name + flags], ["any"]),
            *packaging_tags.compatible_tags(version, name, ["any"]),
        )
    }
    if tags and not any((each.interpreter, each.abi) in accepted for each in tags):
        yield _binding(TagsRefused(tags=tuple(sorted(map(str, tags))), python=_shown(python)))


def _judge_use(
    use: InterpreterUse, tags: Collection[Tag], python: Python, built: Python | None
) -> Iterator[Binding]:
    named = [target for each in use.suffixes if (target := module_target(each)) is not None]
    if named and python.target not in named:
        yield _binding(ModulesRefused(suffixes=use.suffixes, python=_shown(python)))
    stable = use.stable_abi
    # A suffix that no CPython is known to look for, as that of PyPy, is one of some version, too.
    is_versioned = (
        stable is None
        or bool(use.versioned_libraries)
        or not all(map(cpython.is_for_any_version, use.suffixes))
    )
    if stable is not None and stable.floor > python.target.version:
        needed, symbols = stable.added[-1]
        yield _binding(
            StableAbiTooNew(needed=_text(needed), symbols=symbols, python=_shown(python))
        )
    elif stable is not None and not stable.outside and _is_promised(use, tags, python):
        level = max([stable.floor, *_promised_levels(tags, python)])
        if _is_settled(level, python) and (built is None or _is_settled(level, built)):
            yield _binding(StableAbiKept(needed=_text(level), python=_shown(python)))
        else:
            is_versioned = True
    elif stable is not None:
        is_versioned = True
    if is_versioned:
        yield _judge_version(python, built)


def _judge_version(python: Python, built: Python | None) -> Binding:
    """By the two numbers, for what is made for one version of the interpreter."""
    if built is None:
        return _binding(InterpreterUnrecorded(python=_shown(python)))
    if built.flags != python.flags:
        return _binding(BuildDiffers(built=_shown(built), python=_shown(python)))
    binding = Binding(interface=cpython.NAME, reasons=(), declarations=(_ITSELF,))
    return replace(
        binding,
        reasons=series_reasons(
            binding, built.as_provider(), python.as_provider(), built=built.version
        ),
    )


def _is_promised(use: InterpreterUse, tags: Collection[Tag], python: Python) -> bool:
    """Whether tags or suffixes say that the wheel keeps to the stable ABI of such an interpreter.

    Its symbols alone do not: what a macro reads from a struct leaves no symbol behind.
    """
    abis = {"abi3t"} if "t" in python.flags else {"abi3", "abi3t"}
    suffixes = tuple(f".{abi}." for abi in abis)
    return any(tag.abi in abis for tag in tags) or (
        bool(use.suffixes) and all(each.startswith(suffixes) for each in use.suffixes)
    )


def _promised_levels(tags: Iterable[Tag], python: Python) -> Iterator[tuple[int, int]]:
    """The versions of the stable ABI that tags name, as far as `python` has them."""
    for tag in tags:
        digits = tag.interpreter.removeprefix("cp")
        if tag.abi in ("abi3", "abi3t") and digits.isdigit():
            level = (int(digits[0]), int(digits[1:] or 0))
            if level <= python.target.version:
                yield level


def _is_settled(level: tuple[int, int], python: Python) -> bool:
    """Whether the stable ABI of `level` no longer changes in `python`.

    That of its own version does until what is promised of it begins.
    """
    return level < python.target.version or bool(python.series)


def _binding(reason: Reason) -> Binding:
    return Binding(interface=cpython.NAME, reasons=(reason,))


def _text(version: tuple[int, int]) -> str:
    return "{}.{}".format(*version)


def _shown(python: Python) -> str:
    return python.version + python.flags
