"""The names of the files in ``.dist-info`` that hold our records; they stand only here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FINGERPRINT: Final = "wheel_abi_fingerprint.json"
BUILD_INPUTS: Final = "wheel_abi_build_inputs.json"
SYMBOLS: Final = "wheel_abi_symbols.json"
TYPES: Final = "wheel_abi_types.json"

# No record: a view of the build inputs for others. PEP 770 keeps the directory for it; what ends in
# `.cdx.json` is known to be CycloneDX.
SBOM: Final = "sboms/wheel-abi.cdx.json"

# The names proposed to the standard. Readers accept them; nothing writes them while it is a draft.
STANDARD_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        FINGERPRINT: "abi_fingerprint.json",
        BUILD_INPUTS: "build_inputs.json",
        SYMBOLS: "abi_symbols.json",
        TYPES: "abi_types.json",
    }
)

SCHEMA_VERSION: Final = "0.1"

GENERATOR_NAME: Final = "wheel-abi"


def accepted_names(name: str) -> tuple[str, str]:
    """The names under which a reader accepts the record `name`, ours before the standard's."""
    return name, STANDARD_NAMES[name]
