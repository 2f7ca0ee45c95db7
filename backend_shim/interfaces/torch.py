"""PyTorch's stable ABI: C functions that its headers promise to keep.

Linking finds what a wheel takes from PyTorch's libraries; this says what PyTorch promises of it.
Of its C++ symbols it promises nothing: torch 2.7 -> 2.8 removed 3,671 of them, torchvision 0.22 was
to be built again, and one symbol fewer would not have told. Of the C functions it says (PyTorch
documentation, "LibTorch Stable ABI"): "These headers are promised to be ABI stable across releases
[...] Specifically, we promise not to modify them for at least 2 years after they are released";
"Versioning and Forward/Backward compatibility guarantees": what was built for a version works with
newer ones. aoti_torch/c/shim.h itself: "you MUST MAINTAIN ABI compatibility. Typically, this means
you will have to add a _v2 version of a function". Deprecated functions stand in a header of their
own, which is not among the promised ones.

What such wheels take besides is the C++ run time's (`is_runtime_symbol`), which PyTorch exports by
the way. And their messages name PyTorch's data types, of which nothing is compiled in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from backend_shim.interfaces import linking
from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.linking.platform_libraries import is_runtime_symbol
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import get_str_list
from backend_shim.record.facts import Facts

NAME: Final = "torch"
PROVIDER: Final = "torch"

WANTED_TEXT: Final = (
    "aoti_torch/c/shim.h",
    "aoti_torch/generated/c_shim_aten.h",
    "aoti_torch/generated/c_shim_cpu.h",
    "aoti_torch/generated/c_shim_cuda.h",
    "aoti_torch/generated/c_shim_mps.h",
    "aoti_torch/generated/c_shim_xpu.h",
    "csrc/stable/c/shim.h",
)

# torch.dtype (PyTorch documentation, "Tensor Attributes"): neither a module nor a capsule, so the
# name of one leads to nothing that has a layout.
_DATA_TYPE: Final = re.compile(
    r"torch\.(?:bool|long|short|bfloat16|c?(?:half|float|double)|float\d+(?:_e\dm\d\w*)?"
    r"|complex\d+|q?u?int(?:\d+(?:x\d)?)?)",
    re.ASCII,
)
_COMMENT: Final = re.compile(rb"/\*.*?\*/|//[^\n]*", re.DOTALL)
_DECLARED: Final = re.compile(rb"\bAOTI_TORCH_EXPORT\b[^;{}()]*?\b(\w+)[ \t\n]*\(")
# No pre-release (PEP 440): what is not released yet is not promised yet.
_RELEASE: Final = re.compile(
    r"(\d{1,4})\.(\d{1,4})(?:\.\d{1,4}){0,3}(?:\.post\d{1,4})?(?:\+[\w.]*)?", re.ASCII
)
# Two years of releases: there are at least four a year, and were six in most.
_PROMISED_RELEASES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchStableAbi(Reason):
    """All that the consumer takes is of the stable ABI, which the new PyTorch has and promises."""

    kind: ClassVar[str] = "torch-stable-abi"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.PROMISE
    functions: int
    built: str
    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchPromisesNothing(Reason):
    """The consumer takes symbols that are not of the stable ABI."""

    kind: ClassVar[str] = "torch-promises-nothing"
    effect: ClassVar[Effect] = Effect.OPEN
    release: str
    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchPromiseTooShort(Reason):
    """The stable ABI is promised towards newer releases, for two years."""

    kind: ClassVar[str] = "torch-promise-too-short"
    effect: ClassVar[Effect] = Effect.OPEN
    built: str
    release: str


def read_object(opened: OpenObject) -> JSONValue:
    """The names of data types in it; what an object takes is found by linking."""
    if PROVIDER not in opened.looked_for:
        return None
    names = {name for name, _ in opened.strings.names(PROVIDER) if _DATA_TYPE.fullmatch(name)}
    return [*sorted(names)] or None


def accounts_for(found: JSONValue) -> frozenset[str]:
    """All of what `read_object` found."""
    assert isinstance(found, list)
    return frozenset(map(str, found))


def provides(wheel: InspectedWheel) -> Facts | None:
    """The functions of the stable ABI that a PyTorch wheel declares and exports; else None."""
    if wheel.name != PROVIDER:
        return None
    declared = {
        name.decode()
        for text in wheel.text.values()
        for name in _DECLARED.findall(_COMMENT.sub(b" ", text))
    }
    exported = {name for each in wheel.objects for name in each.shared.exported.names}
    stable = sorted(declared & exported)
    return Facts({"stable_functions": stable}) if stable else None


def requires(_wheel: InspectedWheel) -> Facts | None:
    """Nothing beyond what linking requires."""
    return None


def is_satisfied(_required: Facts, _old: Provider, _new: Provider) -> tuple[Binding, ...]:
    """No binding of its own: see `vouches`."""
    return ()


def vouches(binding: Binding, old: Provider, new: Provider, built: str | None) -> Reason | None:
    """What PyTorch promises of the symbols that a consumer, `built` with that release, takes.

    With None for `built` the judgement is relative: the consumer works with `old`. Raises
    InvalidRecord.
    """
    if binding.interface != linking.NAME or not binding.symbols:
        return None
    taken = {name for name in binding.symbols if not is_runtime_symbol(name)}
    unstable = taken - (_stable_functions(old) & _stable_functions(new))
    if unstable:
        return TorchPromisesNothing(release=new.version, symbols=tuple(sorted(unstable)))
    used = built or old.version
    before, after = _numbers(used), _numbers(new.version)
    if (
        before is None
        or after is None
        or before[0] != after[0]
        or not 0 <= after[1] - before[1] <= _PROMISED_RELEASES
    ):
        return TorchPromiseTooShort(built=used, release=new.version)
    return TorchStableAbi(functions=len(taken), built=used, release=new.version)


def _stable_functions(provider: Provider) -> frozenset[str]:
    facts = provider.provided.get(NAME)
    return frozenset(get_str_list(facts.thaw(), "stable_functions", f"$.{NAME}") if facts else ())


def _numbers(version: str) -> tuple[int, int] | None:
    """First and second number of a release (PEP 440); None for anything else."""
    match = _RELEASE.fullmatch(version)
    return (int(match[1]), int(match[2])) if match else None
