"""Answers to the questions of `spec/run_vectors.py`, a line of JSON each."""

from __future__ import annotations

import base64
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Answer: TypeAlias = Callable[[Any], Any]


class Failure(Exception):
    """The input is refused, for what stands at `path`: `objects[0].size`, empty for the whole."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message


def bytes_of(value: Mapping[str, Any]) -> bytes:
    """The bytes that a vector writes as `{"text": …}`, `{"base64": …}` or `{"json": …}`."""
    if "json" in value:
        return json.dumps(value["json"]).encode("ascii")
    if "text" in value:
        return value["text"].encode("utf-8")
    return base64.b64decode(value["base64"], validate=True)


def answer_all(table: Mapping[str, Answer]) -> None:
    """Answer each line of standard input by the function that `table` has for its test type."""
    for line in sys.stdin:
        question = json.loads(line)
        found = _answer(table.get(question["test_type"]), question["input"])
        sys.stdout.write(json.dumps({"id": question["id"], **found}) + "\n")
        sys.stdout.flush()


def _answer(function: Answer | None, given: Any) -> dict[str, Any]:
    if function is None:
        return {"unsupported": True}
    try:
        return {"output": function(given)}
    except Failure as failure:
        return {"failure": {"path": failure.path, "message": failure.message}}
    except Exception:
        # Neither output nor failure: the runner counts it as wrong and goes on with the next.
        return {"crash": traceback.format_exc()}
