"""Answers about build inputs: whether a build of now would take in what the recorded one took."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from backend_shim.record.build_inputs import BuildInputs
from resolver_check.compare.input_changes import input_changes
from resolver_check.compare.input_judgement import judge_inputs


def compare_inputs(given: Any) -> Any:
    """The verdict, and by kind and name which inputs have changed and which changes are excused."""
    files: Mapping[str, Mapping[str, str]] = given["files"]
    tokens: Mapping[str, Mapping[str, str]] = given["tokens"]

    def digests(name: str, version: str) -> Mapping[str, str] | None:
        return files.get(f"{name} {version}")

    def tokens_of(name: str, version: str, paths: Collection[str]) -> Mapping[str, str]:
        found = tokens.get(f"{name} {version}", {})
        return {path: found[path] for path in paths if path in found}

    changes = input_changes(
        _read(given["old"]),
        _read(merged(given["old"], given["new_as_merge_patch"])),
        new_digests=digests,
        tokens=tokens_of,
        linked=given["needed"],
        strict=given["strict"],
    )
    return {
        "verdict": judge_inputs("demo", changes).verdict.value,
        "changed": [[each.kind.value, each.name] for each in changes if each.excuse is None],
        "excused": [[each.kind.value, each.name] for each in changes if each.excuse is not None],
    }


def _read(document: Any) -> BuildInputs:
    return BuildInputs.from_json(json.dumps(document).encode())


def merged(document: Any, patch: Any) -> Any:
    """`document` as the merge patch `patch` changes it (RFC 7396, section 2)."""
    if not isinstance(patch, dict):
        return patch
    table = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            table.pop(name, None)
        else:
            table[name] = merged(table.get(name), value)
    return table
