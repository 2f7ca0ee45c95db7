"""How wheels bind to gift: its header leaves the version of its ABI in whatever includes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.record.decoding import get_int, get_list
from backend_shim.record.facts import Facts

NAME = "gift-abi"
PROVIDER = "gift"
WANTED_TEXT = ("gift.h",)

_IN_HEADER = re.compile(rb"^#define GIFT_ABI_VERSION (\d{1,4})$", re.MULTILINE)
_IN_BINARY = re.compile(rb"gift-abi-(\d{1,4})\0")


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftAbiEqual(Reason):
    """Gift's manual promises that nothing breaks within one version of its ABI."""

    kind: ClassVar[str] = "gift-abi-equal"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.PROMISE
    version: int

    def sentence(self) -> str:
        return f"it was compiled for version {self.version} of gift's ABI, which the new gift has"


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftAbiDiffers(Reason):
    """Gift refuses at import what was compiled for another version of its ABI."""

    kind: ClassVar[str] = "gift-abi-differs"
    effect: ClassVar[Effect] = Effect.REFUSES
    compiled_for: tuple[int, ...]
    offered: int

    def sentence(self) -> str:
        versions = " and ".join(map(str, self.compiled_for))
        return (
            f"it was compiled for version {versions} of gift's ABI, the new one is {self.offered}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftAbiUnknown(Reason):
    """The new gift does not say the version of its ABI."""

    kind: ClassVar[str] = "gift-abi-unknown"
    effect: ClassVar[Effect] = Effect.OPEN
    release: str

    def sentence(self) -> str:
        return f"gift {self.release} does not say the version of its ABI"


def read_object(opened: OpenObject) -> list[int] | None:
    """The versions that one binary was compiled for."""
    found = {int(each) for each in opened.strings.matches(b"gift-abi-", _IN_BINARY)}
    return sorted(found) or None


def provides(wheel: InspectedWheel) -> Facts | None:
    """The version that gift's header defines."""
    if wheel.name != PROVIDER:
        return None
    found = {int(each) for text in wheel.text.values() for each in _IN_HEADER.findall(text)}
    return Facts({"version": found.pop()}) if len(found) == 1 else None


def requires(wheel: InspectedWheel) -> Facts | None:
    """The versions that the wheel's binaries were compiled for."""
    found = {version for _, versions in wheel.seen(NAME) for version in versions}
    return Facts({"versions": sorted(found)}) if found else None


def is_satisfied(required: Facts, _old: Provider, new: Provider) -> tuple[Binding, ...]:
    """Equal versions fit; no binding to anything but gift."""
    if new.name != PROVIDER:
        return ()
    return (Binding(interface=NAME, reasons=(_judge(required, new),)),)


def _judge(required: Facts, new: Provider) -> Reason:
    offer = new.provided.get(NAME)
    if offer is None:
        return GiftAbiUnknown(release=new.version)
    offered = get_int(offer.thaw(), "version", "$")
    compiled_for = tuple(get_list(required.thaw(), "versions", "$"))
    if compiled_for == (offered,):
        return GiftAbiEqual(version=offered)
    return GiftAbiDiffers(compiled_for=compiled_for, offered=offered)


def explains(module: str) -> bool:
    """A binary that names gift's capsule binds by this interface, and by no other."""
    return module == "gift"
