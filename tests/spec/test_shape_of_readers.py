"""What the schemas for readers say of names and types, the decoders say, no more and no less."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from backend_shim.errors import InvalidRecord
from tests.spec.answers.records import DECODERS

SPEC = Path(__file__).parents[2] / "spec"
DIGEST = "sha256=" + "A" * 43
BINARY = {
    "path": "lib/libdemo.so.1", "digest": DIGEST, "size": 64, "crc32": 1, "format": "elf",
    "machine": "x86_64", "kind": "library", "is_grafted": False, "soname": "libdemo.so.1",
    "needed": ["libc.so.6"], "run_path": ["$ORIGIN"],
    "version_needs": [{"file": "libc.so.6", "versions": ["GLIBC_2.17"]}],
    "exported": {"count": 1}, "imported": {"count": 2},
}  # fmt: skip
FACTS = {"interface": "example.moon", "basis": "observed", "provider": "moon", "facts": {}}
SERIES = {"last_change": "1.0", "last_addition": "1.2"}
INPUTS = json.loads((SPEC / "examples" / "build_inputs.json").read_text("utf-8"))
NUMPY = INPUTS["build_definition"]["resolvedDependencies"][1]
NUMPY["annotations"]["read"]["header"] = {"file.h": DIGEST}
NUMPY["annotations"]["read"]["pxd"] = {"file.h": DIGEST}
INPUTS["build_definition"]["internalParameters"]["toolchain"]["libc"]["abi"] = "cxx11"
DOCUMENTS: dict[str, Any] = {
    "abi_fingerprint": {
        "schema_version": "0.1",
        "generator": {"name": "example", "version": "1"},
        "is_purelib": False,
        "interfaces": ["linking"],
        "objects": [BINARY],
        "unread": [{"path": "a.so", "why": "is cut short"}],
        "provides": [FACTS],
        "requires": [FACTS],
        "series": [{"interface": "demo", "basis": "declared", "facts": SERIES}],
    },
    "abi_symbols": {
        "schema_version": "0.1",
        "objects": [
            {
                "path": "lib/libdemo.so.1",
                "soname": "libdemo.so.1",
                "machine": "x86_64",
                "digest": f"sha256={'A' * 43}",
                "size": 1,
                "crc32": 0,
                "forwards": [["f", "x.g"]],
                "symbols": [["f", "DEMO_1.0", "function", 42, False, 2]],
            }
        ],
    },
    "abi_types": json.loads((SPEC / "examples" / "abi_types.json").read_text("utf-8")),
    "build_inputs": INPUTS,
}


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    if isinstance(value, (dict, list)):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(child, (*path, key))


def changed(document: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The document with one name missing, or one value of another type, and where."""
    for path in places(document):
        made = copy.deepcopy(document)
        target = made
        for key in path[:-1]:
            target = target[key]
        value = target[path[-1]]
        if isinstance(target, dict):
            del target[path[-1]]
            yield path, made
        for other in (None, 7 if isinstance(value, str) else "x"):
            target[path[-1]] = other
            yield path, copy.deepcopy(made)


def understood(name: str, document: Any) -> bool:
    try:
        DECODERS[name](json.dumps(document).encode())
    except InvalidRecord:
        return False
    return True


# Where a name may be missing a decoder takes null for the same; and what says nothing for nothing.
LENIENT = {
    "abi_fingerprint": {"provider"},
    "abi_symbols": set(),
    "abi_types": set(),
    "build_inputs": {"annotations", "editable", "read", "build-tool", "header", "pxd", "file.h"},
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_decoder_refuses_what_the_schema_does(name: str) -> None:
    schema = json.loads((SPEC / "schemas" / f"{name}-0.1.consumer.schema.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(DOCUMENTS[name])
    assert understood(name, DOCUMENTS[name])
    lenient, stricter = set(), set()
    for path, document in changed(DOCUMENTS[name]):
        is_valid, is_understood = validator.is_valid(document), understood(name, document)
        if is_understood and not is_valid:
            lenient.add(path[-1])
        elif is_valid and not is_understood:
            stricter.add(path)
    assert lenient == LENIENT[name]
    assert stricter == set()
