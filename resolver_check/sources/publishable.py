"""A wheel on this machine with all that is published beside it."""

from __future__ import annotations

from dataclasses import dataclass

from resolver_check.wheel_reference import WheelReference

METADATA_SUFFIX = ".metadata"
"""After the file's name; PEP 658."""
RECORD_SUFFIX = ".abi.json"
"""Of the wheel's own fingerprint."""
BUILD_INPUTS_SUFFIX = ".abi-inputs.json"
"""Of the wheel's own build inputs."""


CHANGED = "was changed while it was read"
"""Why a wheel is left out: its record would stand under the digest of another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishableWheel:
    """A wheel that was read whole; its reference has digest, size and Requires-Python."""

    reference: WheelReference
    metadata: bytes
    """METADATA as it stands in the wheel."""
    fingerprint: bytes | None
    """The wheel's own record, byte for byte; None where it has none that is sound."""
    build_inputs: bytes | None
    binding_names: frozenset[str]
    unused: str | None = None
    """Why its record is not published."""

    @property
    def sidecars(self) -> dict[str, bytes]:
        """What lies beside the wheel, by what is added to its name."""
        found = {
            METADATA_SUFFIX: self.metadata,
            RECORD_SUFFIX: self.fingerprint,
            BUILD_INPUTS_SUFFIX: self.build_inputs,
        }
        return {suffix: data for suffix, data in found.items() if data is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpublishableWheel:
    """A wheel that cannot be read, and why."""

    filename: str
    """Or, of all wheels of a project that cannot be listed, where its page is."""
    why: str
