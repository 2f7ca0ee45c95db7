"""Symbols that are defined elsewhere than in the library that exports them."""

from __future__ import annotations


def forwarded_to(target: str, binary_format: str) -> tuple[str, str]:
    """Library and symbol that `Symbol.forwards_to` names.

    PE: `OTHER.name`, where the DLL's suffix is left out (PE format, "Export Address Table");
    Mach-O: install name, colon and name.
    """
    if binary_format == "pe":
        library, _, name = target.rpartition(".")
        return (library if "." in library else f"{library}.dll"), name
    library, _, name = target.partition(":")
    return library, name
