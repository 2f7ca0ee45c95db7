"""JSON from strangers is read within bounds, or refused with the place of the fault."""

from __future__ import annotations

import pytest

from backend_shim.errors import InvalidRecord, UnknownSchema
from backend_shim.record.decoding import (
    MAX_BYTES,
    MAX_DEPTH,
    check_schema_version,
    decode_json,
    get_bool,
    get_int,
    get_list,
    get_object,
    get_objects,
    get_str,
    get_str_list,
    path_to,
)


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"{} {}", "is not JSON"),
        (b"\xef\xbb\xbf{}", "is not JSON"),
        (b"\xff", "is not UTF-8"),
        (b"[1.5]", "is not an integer"),
        (b"[1e400]", "is not an integer"),
        (b"[NaN]", "is not an integer"),
        (b"[-Infinity]", "is not an integer"),
        (b"[9007199254740992]", "beyond 2"),
        (b"[" + b"9" * 5000 + b"]", "beyond 2"),
        (b'{"a": 1, "a": 1}', "twice"),
        (b'[{"b": {"a": 1, "a": 2}}]', "'a' twice"),
        (b'["\\ud800"]', "surrogate"),
        (b'{"\\uDFFF": 1}', "surrogate"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "deeper"),
        (b'{"a":' * 100_000, "deeper"),
        (b" " * (MAX_BYTES + 1), "larger"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_two_readers_may_read_differently_is_refused(data: bytes, wrong: str) -> None:
    with pytest.raises(InvalidRecord, match=wrong):
        decode_json(data)


def test_what_is_within_bounds_is_read() -> None:
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert decode_json(deep) is not None
    assert decode_json(b'["\\ud83d\\ude00[[", 9007199254740991, true, null]') == [
        "\U0001f600[[",
        2**53 - 1,
        True,
        None,
    ]


@pytest.mark.parametrize(
    ("getter", "value", "wrong"),
    [
        (get_str, 1, "must be a string, not an integer"),
        (get_str, None, "must be a string, not null"),
        (get_int, True, "must be an integer, not a boolean"),
        (get_int, "1", "must be an integer, not a string"),
        (get_bool, 0, "must be true or false, not an integer"),
        (get_list, {}, "must be a list, not an object"),
        (get_object, [], "must be an object, not a list"),
    ],
)
def test_a_wrong_type_is_named_with_its_path(getter: object, value: object, wrong: str) -> None:
    assert callable(getter)
    with pytest.raises(InvalidRecord, match=wrong) as raised:
        getter({"odd key": value}, "odd key", "$.a[0]")
    assert raised.value.path == '$.a[0]["odd key"]'
    with pytest.raises(InvalidRecord, match="is missing"):
        getter({}, "odd key", "$")


@pytest.mark.parametrize("getter", [get_str, get_int, get_bool, get_object])
@pytest.mark.parametrize("table", [{}, {"a": None}])
def test_an_optional_entry_may_be_absent_or_null(getter: object, table: object) -> None:
    assert callable(getter)
    assert getter(table, "a", "$", optional=True) is None
    assert get_list({}, "a", "$", optional=True) == []


def test_entries_of_lists_have_their_own_path() -> None:
    with pytest.raises(InvalidRecord) as raised:
        get_str_list({"a": ["x", 1]}, "a", "$")
    assert raised.value.path == "$.a[1]"
    assert get_objects({"a": [{}, {}]}, "a", "$") == (({}, "$.a[0]"), ({}, "$.a[1]"))
    assert path_to("$", "a") == "$.a"


def test_only_the_one_draft_version_is_understood() -> None:
    check_schema_version({"schema_version": "0.1"})
    for table in ({"schema_version": "0.2"}, {"schema_version": "1.0"}):
        with pytest.raises(UnknownSchema):
            check_schema_version(table)
    with pytest.raises(InvalidRecord):
        check_schema_version({"schema_version": 0})
