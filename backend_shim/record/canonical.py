"""Canonical JSON: the same value gives the same bytes, whoever writes it."""

from __future__ import annotations

import json
from typing import TypeAlias

JSONValue: TypeAlias = "dict[str, JSONValue] | list[JSONValue] | str | int | bool | None"


def canonical_json(value: JSONValue) -> bytes:
    """`value` as UTF-8 JSON: keys sorted, no white space but one final newline.

    Raises TypeError for anything that is not JSON, ValueError for a number that JSON cannot say.
    """
    text = json.dumps(
        value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    return text.encode("utf-8") + b"\n"
