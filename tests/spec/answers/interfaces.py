"""Answers about interfaces: what a consumer requires, held against a provider; and series."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from packaging.tags import Tag, parse_tag

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import cpython, header, import_name, platform_floor
from backend_shim.interfaces.interface_tree import InterfaceTree, read_tree
from backend_shim.interfaces.provider import Declaration, Provider, nothing_of
from backend_shim.interfaces.reasons import Binding, Reason
from backend_shim.interfaces.table import explained_modules
from backend_shim.record.canonical import canonical_json
from backend_shim.record.fingerprint import AbiFingerprint, SymbolTables
from backend_shim.record.series import read_series
from resolver_check.compare.interpreter import Python, judge_interpreter
from resolver_check.compare.judgement import judge_fingerprints
from resolver_check.compare.promised_platform import broken_platform_promises
from resolver_check.compare.promised_tags import broken_promises
from resolver_check.compare.series import series_reasons
from resolver_check.model import EvidenceLevel, Judgement
from resolver_check.scan.record_answers import has_looked_for
from tests.spec.answers.loop import Failure

# What a document needs beside the entries that a vector writes down: of a wheel with binaries.
_EXAMPLES: Final = Path(__file__).resolve().parents[3] / "spec" / "examples"
_REST: Final = {
    **json.loads((_EXAMPLES / "abi_fingerprint-registries.json").read_bytes()),
    "provides": [],
    "requires": [],
    "series": [],
}


def compare(given: Any) -> Any:
    """The verdict on the consumer and the reasons for it."""
    try:
        judgement = _against_python(given) if given["interface"] == "cpython" else _judged(given)
    except InvalidRecord as error:
        raise Failure(error.path.removeprefix("$").removeprefix("."), error.wrong) from error
    reasons = [reason for _, reason in judgement.reasons]
    if not any("interface_files" in (given[side] or {}) for side in ("old", "new")):
        reasons = [each for each in reasons if not isinstance(each, header.NotDeclared)]
    return {"verdict": judgement.verdict.value, "reasons": _shown(reasons)}


def series(given: Any) -> Any:
    """What the series of the new version say of a binding."""
    new = _provider({"name": "demo", **given["new"]})
    old = nothing_of(new) if given["old"] is None else _provider({"name": "demo", **given["old"]})
    return {
        "reasons": _shown(
            series_reasons(_binding(given["binding"]), old, new, built=given["built"])
        )
    }


def _shown(reasons: Iterable[Reason]) -> Any:
    found = {
        (each.kind, each.effect.value, each.evidence.value if each.evidence else None)
        for each in reasons
    }
    rows = sorted(found, key=lambda row: row[0])
    return [dict(zip(("kind", "effect", "evidence"), row, strict=True)) for row in rows]


def _document(given: Mapping[str, Any]) -> AbiFingerprint:
    entries = {key: given[key] for key in ("provides", "requires", "series") if key in given}
    return AbiFingerprint.from_json(canonical_json({**_REST, **entries}))


def _provider(given: Mapping[str, Any]) -> Provider:
    document = _document(given)
    members = given.get("members", ())
    modules = import_name.module_names(members)
    tables = canonical_json({"schema_version": "0.1", "objects": given.get("symbols", [])})
    return Provider(
        name=given["name"],
        version=given["version"],
        provided={each.interface: each.facts for each in document.provides},
        required={each.interface: each.facts for each in document.requires},
        modules=modules,
        binding_names=import_name.binding_names(members),
        explained_modules=explained_modules(given["name"], modules),
        read_symbols=lambda: SymbolTables.from_json(tables),
        series=read_series(document.series),
    )


def _tree(given: Mapping[str, Any] | None, wanted: frozenset[str]) -> InterfaceTree:
    files = {} if given is None else given.get("interface_files", {})
    texts = {path: text.encode() for path, text in files.items()}
    return read_tree(sorted(texts), texts.__getitem__, wanted)


def _judged(given: Any) -> Judgement:
    new = _provider(given["new"])
    old = nothing_of(new) if given["old"] is None else _provider(given["old"])
    consumer = _document(given["consumer"])
    names = old.binding_names | new.binding_names
    if given["interface"] == import_name.NAME and not has_looked_for(consumer, names):
        raise Failure("consumer.requires", "says nothing of the names of the provider")
    return judge_fingerprints(
        consumer,
        old,
        new,
        level=EvidenceLevel(given.get("evidence", "promised")),
        read_trees=lambda wanted: (_tree(given["old"], wanted), _tree(given["new"], wanted)),
        general=tuple(_notes(consumer, _tags(given["consumer"]))),
        built=given["consumer"].get("built"),
    )


def _tags(given: Mapping[str, Any]) -> list[Tag]:
    return [tag for text in given.get("tags", ()) for tag in parse_tag(text)]


def _notes(consumer: AbiFingerprint, tags: list[Tag]) -> Iterator[Reason]:
    if tags and (use := consumer.required(cpython.NAME)):
        yield from broken_promises(tags, cpython.decode(use.facts))
    if tags and (floor := consumer.required(platform_floor.NAME)):
        yield from broken_platform_promises(tags, platform_floor.decode(floor.facts))


def _against_python(given: Any) -> Judgement:
    return judge_interpreter(
        _document(given["consumer"]),
        _tags(given["consumer"]),
        _python(given["new"]),
        None if given["old"] is None else _python(given["old"]),
        level=EvidenceLevel(given.get("evidence", "promised")),
    )


def _python(given: Mapping[str, Any]) -> Python:
    return Python(
        version=given["version"],
        flags=given.get("flags", ""),
        series=read_series(_document(given).series),
    )


def _binding(given: Mapping[str, Any]) -> Binding:
    is_linked = given["interface"] == "linking"
    return Binding(
        interface=given["interface"],
        reasons=(),
        declarations=tuple(
            Declaration(module=None if is_linked else name.partition(".")[0], name=name)
            for name in given["declared_by"]
        ),
    )
