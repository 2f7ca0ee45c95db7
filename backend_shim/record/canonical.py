"""Canonical JSON: the same value gives the same bytes, whoever writes it."""

from __future__ import annotations

import json
from typing import TypeAlias

JSONValue: TypeAlias = "dict[str, JSONValue] | list[JSONValue] | str | int | bool | None"


def canonical_json(value: JSONValue) -> bytes:
    """`value` as UTF-8 JSON with sorted keys, two-space indents and a final newline.

    Raises ValueError for a float that is not finite, TypeError for anything that is not JSON.
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=2)
    return text.encode("utf-8") + b"\n"
