"""What a wheel's METADATA and build inputs say that it requires."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from backend_shim.record.build_inputs import BuildInputs


def requirements_in(lines: Iterable[str]) -> tuple[Requirement, ...]:
    """Those of Requires-Dist; a line that is no requirement (PEP 508) is left out."""
    found = []
    for line in lines:
        with suppress(InvalidRequirement):
            found.append(Requirement(line))
    return tuple(found)


def built_with(inputs: BuildInputs | None) -> dict[NormalizedName, str]:
    """Version of what was installed to build it, by name; empty if that is not recorded."""
    installed = inputs.requirements if inputs else ()
    return {canonicalize_name(each.name): each.version for each in installed}
