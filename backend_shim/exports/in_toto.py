"""Build inputs as an in-toto Statement v1 with the predicate of SLSA provenance v1.

Of the types of predicates this is one of the two that PyPI accepts (PEP 740, "Attestation statement
and signature generation"). It is for a finished wheel, and whoever signs it says who has built.
"""

from __future__ import annotations

import re
from typing import Final

from backend_shim.record.canonical import JSONValue

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://slsa.dev/provenance/v1"

# RFC 3986, "Scheme", then its characters only: a TypeURI of SLSA, not relative to anything.
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
# PyPUG, Binary distribution format, "File name convention".
# A lone surrogate stands for a byte of a file name that is not UTF-8, and JSON has none.
_PART: Final = r"[^\s/\\\ud800-\udfff-]"
_WHEEL_NAME: Final = re.compile(rf"{_PART}+-{_PART}+(-\d{_PART}*)?(-{_PART}+){{3}}\.whl")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def is_builder_id(text: str) -> bool:
    """Whether `text` can be the `builder.id` of SLSA, which is a URI."""
    return _URI.fullmatch(text) is not None


def is_wheel_name(text: str) -> bool:
    """Whether `text` is the file name of a wheel, without a directory."""
    return _WHEEL_NAME.fullmatch(text) is not None


def provenance_statement(
    build_definition: JSONValue, *, wheel: str, sha256: str, builder_id: str
) -> JSONValue:
    """The statement about the file `wheel`, built as the record's `build_definition` says.

    Raises ValueError for what no index would take: another subject than a wheel with its digest,
    or a builder that is no URI.
    """
    if not is_wheel_name(wheel):
        raise ValueError(f"{wheel!r} is not the file name of a wheel")
    if not _SHA256.fullmatch(sha256):
        raise ValueError("the digest is not lower-case SHA-256 in hexadecimal")
    if not is_builder_id(builder_id):
        raise ValueError("the builder is not an absolute URI")
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": wheel, "digest": {"sha256": sha256}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": build_definition,
            "runDetails": {"builder": {"id": builder_id}},
        },
    }
