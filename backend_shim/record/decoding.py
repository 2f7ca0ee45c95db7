"""JSON from strangers: decoded within bounds, read by typed getters that name the place of a fault.

A `path` is that of the table or list that is read from: ``$``, ``$.objects[3]``. The getters raise
InvalidRecord with the path of the entry itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Final, Literal, NoReturn, TypeAlias, cast, overload

from backend_shim.errors import InvalidRecord, UnknownSchema
from backend_shim.record.canonical import JSONValue
from backend_shim.record.names import SCHEMA_VERSION

JSONObject: TypeAlias = "Mapping[str, JSONValue]"

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 32
# I-JSON (RFC 7493, 2.2): integers beyond this lose precision in half of all parsers.
MAX_INTEGER: Final = 2**53 - 1

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def decode_json(data: bytes) -> JSONValue:
    """The value that the UTF-8 JSON `data` holds.

    Raises InvalidRecord for what is not JSON, and for JSON that two readers may read differently:
    duplicate names, floats, integers beyond 2**53, lone surrogates; or that is too big or too deep.
    """
    if len(data) > MAX_BYTES:
        raise InvalidRecord("$", f"is larger than {MAX_BYTES} bytes")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object_without_duplicates,
            parse_float=_refuse_float,
            parse_constant=_refuse_float,
            parse_int=_bounded_integer,
        )
    except UnicodeDecodeError:
        raise InvalidRecord("$", "is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise InvalidRecord("$", f"is not JSON: {error}") from None
    except RecursionError:
        raise InvalidRecord("$", f"is nested deeper than {MAX_DEPTH} levels") from None
    _check_depth(value)
    if _ESCAPED_SURROGATE.search(data):
        _check_surrogates(value)
    return cast("JSONValue", value)


def _check_surrogates(value: JSONValue) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidRecord("$", "holds a lone surrogate") from None


def _check_depth(value: JSONValue) -> None:
    """Refuse brackets nested deeper than MAX_DEPTH, level by level and so without recursion."""
    level: list[JSONValue] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise InvalidRecord("$", f"is nested deeper than {MAX_DEPTH} levels")


def _object_without_duplicates(pairs: list[tuple[str, JSONValue]]) -> dict[str, JSONValue]:
    table = dict(pairs)
    if len(table) != len(pairs):
        seen: set[str] = set()
        name = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InvalidRecord("$", f"has the name {name!r} twice in one object")
    return table


def _refuse_float(text: str) -> NoReturn:
    raise InvalidRecord("$", f"holds the number {text[:40]}, which is not an integer")


def _bounded_integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > MAX_INTEGER:
        raise InvalidRecord("$", f"holds the integer {text[:40]}, which is beyond 2**53")
    return int(text)


def path_to(path: str, key: str | int) -> str:
    """The JSON path of the entry `key` of what stands at `path`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if _PLAIN_KEY.fullmatch(key) else f"{path}[{json.dumps(key)}]"


def check_schema_version(table: JSONObject) -> None:
    """Raise UnknownSchema unless `table` names the one draft version that this code understands.

    A ``0.x`` version is a draft and must match exactly.
    """
    version = get_str(table, "schema_version", "$")
    if version != SCHEMA_VERSION:
        raise UnknownSchema(
            "$.schema_version", f"is {version[:40]!r}, and only {SCHEMA_VERSION!r} is understood"
        )


def as_object(value: JSONValue, path: str) -> dict[str, JSONValue]:
    """`value`, which must be a JSON object."""
    if not isinstance(value, dict):
        _refuse(value, path, "an object")
    return value


def as_str(value: JSONValue, path: str) -> str:
    """`value`, which must be a string."""
    if not isinstance(value, str):
        _refuse(value, path, "a string")
    return value


def as_int(value: JSONValue, path: str) -> int:
    """`value`, which must be an integer; true and false are none."""
    if not isinstance(value, int) or isinstance(value, bool):
        _refuse(value, path, "an integer")
    return value


@overload
def get_str(table: JSONObject, key: str, path: str, *, optional: Literal[False] = ...) -> str: ...
@overload
def get_str(table: JSONObject, key: str, path: str, *, optional: bool) -> str | None: ...
def get_str(table: JSONObject, key: str, path: str, *, optional: bool = False) -> str | None:
    """The string at `key`; None where it is `optional` and absent or null."""
    value = _get(table, key, path, optional=optional)
    return None if value is None and optional else as_str(value, path_to(path, key))


@overload
def get_int(table: JSONObject, key: str, path: str, *, optional: Literal[False] = ...) -> int: ...
@overload
def get_int(table: JSONObject, key: str, path: str, *, optional: bool) -> int | None: ...
def get_int(table: JSONObject, key: str, path: str, *, optional: bool = False) -> int | None:
    """The integer at `key`; None where it is `optional` and absent or null."""
    value = _get(table, key, path, optional=optional)
    return None if value is None and optional else as_int(value, path_to(path, key))


@overload
def get_bool(table: JSONObject, key: str, path: str, *, optional: Literal[False] = ...) -> bool: ...
@overload
def get_bool(table: JSONObject, key: str, path: str, *, optional: bool) -> bool | None: ...
def get_bool(table: JSONObject, key: str, path: str, *, optional: bool = False) -> bool | None:
    """The boolean at `key`; None where it is `optional` and absent or null."""
    value = _get(table, key, path, optional=optional)
    if value is None and optional:
        return None
    if not isinstance(value, bool):
        _refuse(value, path_to(path, key), "true or false")
    return value


def get_str_or_null(table: JSONObject, key: str, path: str) -> str | None:
    """The string at `key`, which may be null and may not be missing."""
    _get(table, key, path, optional=False)
    return get_str(table, key, path, optional=True)


def get_object_or_null(table: JSONObject, key: str, path: str) -> dict[str, JSONValue] | None:
    """The object at `key`, which may be null and may not be missing."""
    _get(table, key, path, optional=False)
    return get_object(table, key, path, optional=True)


def get_count(
    table: JSONObject, key: str, path: str, *, least: int = 0, most: int = MAX_INTEGER
) -> int:
    """The integer at `key`, which must lie between `least` and `most`."""
    value = get_int(table, key, path)
    if not least <= value <= most:
        raise InvalidRecord(path_to(path, key), f"must lie between {least} and {most}")
    return value


def get_word(table: JSONObject, key: str, path: str, words: Collection[str]) -> str:
    """The string at `key`, which must be one of `words`."""
    value = get_str(table, key, path)
    if value not in words:
        raise InvalidRecord(path_to(path, key), f"{value[:40]!r} is none of {', '.join(words)}")
    return value


def get_list(table: JSONObject, key: str, path: str, *, optional: bool = False) -> list[JSONValue]:
    """The list at `key`; empty where it is `optional` and absent or null."""
    value = _get(table, key, path, optional=optional)
    if value is None and optional:
        return []
    if not isinstance(value, list):
        _refuse(value, path_to(path, key), "a list")
    return value


def get_str_list(
    table: JSONObject, key: str, path: str, *, optional: bool = False
) -> tuple[str, ...]:
    """The strings of the list at `key`; empty where it is `optional` and absent or null."""
    where = path_to(path, key)
    values = get_list(table, key, path, optional=optional)
    return tuple(as_str(value, path_to(where, index)) for index, value in enumerate(values))


def get_objects(
    table: JSONObject, key: str, path: str, *, optional: bool = False
) -> tuple[tuple[dict[str, JSONValue], str], ...]:
    """The objects of the list at `key`, each with its JSON path."""
    where = path_to(path, key)
    values = get_list(table, key, path, optional=optional)
    paths = [path_to(where, index) for index in range(len(values))]
    return tuple((as_object(value, at), at) for value, at in zip(values, paths, strict=True))


@overload
def get_object(
    table: JSONObject, key: str, path: str, *, optional: Literal[False] = ...
) -> dict[str, JSONValue]: ...
@overload
def get_object(
    table: JSONObject, key: str, path: str, *, optional: bool
) -> dict[str, JSONValue] | None: ...
def get_object(
    table: JSONObject, key: str, path: str, *, optional: bool = False
) -> dict[str, JSONValue] | None:
    """The object at `key`; None where it is `optional` and absent or null."""
    value = _get(table, key, path, optional=optional)
    return None if value is None and optional else as_object(value, path_to(path, key))


def _get(table: JSONObject, key: str, path: str, *, optional: bool) -> JSONValue:
    if key not in table:
        if optional:
            return None
        raise InvalidRecord(path_to(path, key), "is missing")
    return table[key]


def _refuse(value: JSONValue, path: str, wanted: str) -> NoReturn:
    raise InvalidRecord(path, f"must be {wanted}, not {_kind_of(value)}")


def _kind_of(value: JSONValue) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    names = {int: "an integer", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)
