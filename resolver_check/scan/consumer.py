"""A wheel as the consumer's side of a judgement: opened (`Subject`), or as a catalog has it."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Protocol

from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import NormalizedName

from backend_shim.errors import InvalidWheel
from backend_shim.interfaces.reasons import Reason
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.fingerprint import AbiFingerprint
from resolver_check.model import Derived
from resolver_check.scan.stated_requirements import built_with
from resolver_check.sources.catalog_entry import WheelBody
from resolver_check.wheel_reference import WheelReference


class Consumer(Protocol):
    """What a judgement asks of a consumer. The members are those of `Subject`."""

    @property
    def name(self) -> NormalizedName: ...
    @property
    def filename(self) -> str: ...
    @property
    def tags(self) -> frozenset[Tag]: ...
    @property
    def requirements(self) -> tuple[Requirement, ...]: ...
    @property
    def build_inputs(self) -> BuildInputs | None: ...
    @property
    def build_requirements(self) -> dict[NormalizedName, str]: ...
    @property
    def notes(self) -> list[Reason]: ...

    def fingerprint(self, looked_for: Collection[str] = ()) -> AbiFingerprint: ...
    def derived(self, looked_for: Collection[str]) -> AbiFingerprint: ...
    def leave_record(self, why: str) -> None: ...


class CataloguedWheel:
    """A wheel that is not opened: all that is known of it stands in a catalog."""

    def __init__(self, reference: WheelReference, body: WheelBody, *, is_recorded: bool) -> None:
        """Whoever asks for a fingerprint has seen to it that it answers for the names."""
        self.name = reference.name
        self.filename = reference.filename
        self.tags = reference.tags
        self._body = body
        self.notes: list[Reason] = []
        if not is_recorded:
            why = "it carried no usable record when it was scanned"
            self.notes.append(Derived(wheel=self.filename, why=why))

    @cached_property
    def requirements(self) -> tuple[Requirement, ...]:
        return tuple(map(Requirement, self._body.requirements))

    @property
    def build_inputs(self) -> BuildInputs | None:
        return self._body.build_inputs

    @cached_property
    def build_requirements(self) -> dict[NormalizedName, str]:
        return built_with(self.build_inputs)

    def fingerprint(self, looked_for: Collection[str] = ()) -> AbiFingerprint:  # noqa: ARG002
        return self._body.fingerprint

    def derived(self, looked_for: Collection[str]) -> AbiFingerprint:  # noqa: ARG002
        """Nothing but the facts that turned out to be wrong: InvalidWheel."""
        raise InvalidWheel(self.filename, "its facts in the catalog cannot be used")

    def leave_record(self, why: str) -> None:
        """There is none beside the facts of the catalog."""
