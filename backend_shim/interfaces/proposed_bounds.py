"""Bounds on versions of providers that follow from a wheel's own facts and its build inputs.

Only what is sure without looking at any other wheel: what import refuses, and what a project says
that it promises to nobody. Every bound is necessary; whether it is also enough is said beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from backend_shim.interfaces import import_name, linking, numpy_c_api, torch
from backend_shim.interfaces.linking.facts import needs_in
from backend_shim.interfaces.numpy_c_api import NumpyUse
from backend_shim.record.canonical import JSONValue
from backend_shim.record.fingerprint import AbiFingerprint

# The first release with each feature version (numpy/_core/include/numpy/numpyconfig.h); a header
# that writes none of its target's name into the binary is of NumPy 1.24 or older.
_FIRST_RELEASE: Final = {
    0x7: (1, 7), 0x8: (1, 8), 0x9: (1, 9), 0xA: (1, 10), 0xB: (1, 13), 0xC: (1, 14),
    0xD: (1, 16), 0xE: (1, 20), 0xF: (1, 22), 0x10: (1, 23), 0x11: (1, 25), 0x12: (2, 0),
}  # fmt: skip
# Of namespace at, c10 or torch (Itanium C++ ABI, "Nested Name"): PyTorch's own.
_TORCH_SYMBOL: Final = re.compile(r"_Z\w*N[VrKRO]*(?:2at|3c10|5torch)\d")
_RELEASE: Final = re.compile(
    r"(\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?(?:\.post\d+)?)(?:\+[\w.]*)?", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What the versions of one provider have to be."""

    interface: str
    """Whose facts it follows from."""
    provider: str
    """Normalized name."""
    specifiers: tuple[str, ...]
    """Each of them (PEP 440)."""
    is_enough: bool
    """Whether the binaries are known to need nothing else of the version."""
    why: str
    """One sentence, for a build log."""

    @property
    def requirement(self) -> str:
        """As a line of Requires-Dist (PEP 508)."""
        return self.provider + ",".join(self.specifiers)


def proposed_bounds(fingerprint: AbiFingerprint, built: Mapping[str, str]) -> tuple[Bound, ...]:
    """The bounds of a wheel that was `built` with these versions, by normalized name.

    Raises InvalidRecord for facts that have not the shape of their interface.
    """
    return (*_of_numpy(fingerprint), *_of_torch(fingerprint, built.get(torch.PROVIDER)))


def _of_numpy(fingerprint: AbiFingerprint) -> Iterator[Bound]:
    required = fingerprint.required(numpy_c_api.NAME)
    use = None if required is None else numpy_c_api.decode(required.facts)
    if use is None or not use.accepts:
        return
    oldest = _oldest_numpy(use)
    specifiers: list[str] = []
    why: list[str] = []
    if oldest is not None:
        specifiers.append(">=" + ".".join(map(str, oldest)))
        why.append("its C API is compiled in as of that release")
    if use.accepts == (1,):
        specifiers.append("<2")
        why.append("it was compiled for the ABI of NumPy 1")
    if specifiers:
        yield Bound(
            interface=numpy_c_api.NAME,
            provider=numpy_c_api.PROVIDER,
            specifiers=tuple(specifiers),
            is_enough=_is_told(use) and _fits_by_name(use) and _is_only_way(fingerprint),
            why=" and ".join(why),
        )


def _is_told(use: NumpyUse) -> bool:
    """Whether every object that compiles the API in tells a target that is known here."""
    return not use.is_target_partial and use.feature_version in (None, *_FIRST_RELEASE)


def _is_only_way(fingerprint: AbiFingerprint) -> bool:
    """Whether nothing in the binaries leads to a part of NumPy with another C interface."""
    named = fingerprint.required(import_name.NAME)
    looked_for = named.facts.thaw().get("looked_for") if named else None
    if not isinstance(looked_for, list) or numpy_c_api.PROVIDER not in looked_for:
        return False
    texts = (text for each in fingerprint.requires for text in _texts(each.facts.thaw()))
    return all(map(numpy_c_api.explains, (each for each in texts if each.startswith("numpy."))))


def _texts(value: JSONValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _fits_by_name(use: NumpyUse) -> bool:
    """Whether objects that look the API up by name ask no more than those that compile it in."""
    if not use.by_name_knows:
        return True
    return not use.is_by_name_partial and set(use.accepts) <= set(use.by_name_knows)


def _oldest_numpy(use: NumpyUse) -> tuple[int, ...] | None:
    by_feature = _FIRST_RELEASE.get(use.feature_version or 0)
    return max((each for each in (use.target, by_feature) if each is not None), default=None)


def _of_torch(fingerprint: AbiFingerprint, built: str | None) -> Iterator[Bound]:
    """The very release: even releases that mend errors are not promised to be compatible."""
    required = fingerprint.required(linking.NAME)
    release = _RELEASE.fullmatch(built or "")
    if required is None or release is None:
        return
    taken = (each.name for need in needs_in(required.facts) for each in need.imports)
    if any(map(_TORCH_SYMBOL.match, taken)):
        yield Bound(
            interface=linking.NAME,
            provider=torch.PROVIDER,
            specifiers=(f"=={release[1]}",),
            is_enough=True,
            why="it takes C++ functions of PyTorch, which promises them to no other release",
        )
