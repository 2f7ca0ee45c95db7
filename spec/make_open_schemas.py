"""Make of each schema for producers the open one for consumers, beside it.

A producer writes exactly what its schema says. A consumer passes over names that it does not know
(C6 of the draft), so its profile is the same schema without the refusal of further names.
`python spec/make_open_schemas.py` writes them; with `--check` it says what is not up to date.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).resolve().parent / "schemas"
PRODUCER = ".schema.json"
CONSUMER = ".consumer.schema.json"


def opened(schema: Any) -> Any:
    """`schema` without each `additionalProperties: false`, and so the schemas it refers to."""
    if isinstance(schema, list):
        return [opened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value.replace(":producer", ":consumer") if key in ("$id", "$ref") else opened(value)
        for key, value in schema.items()
        if not (key == "additionalProperties" and value is False)
    }


def for_consumers(text: str) -> str:
    """The text of the open profile of the producer schema `text`."""
    schema = opened(json.loads(text))
    schema["title"] = schema["title"].replace("producer profile", "consumer profile")
    schema["$comment"] = "Made by spec/make_open_schemas.py of the producer profile."
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write, or with `--check` name, the open schemas that are not up to date; exit status."""
    stale = []
    for path in sorted(SCHEMAS.glob(f"*{PRODUCER}")):
        if path.name.endswith(CONSUMER):
            continue
        target = path.with_name(path.name.removesuffix(PRODUCER) + CONSUMER)
        text = for_consumers(path.read_text("utf-8"))
        if target.is_file() and target.read_text("utf-8") == text:
            continue
        stale.append(target.name)
        if "--check" not in arguments:
            target.write_text(text, "utf-8")
    for name in stale:
        print(name)
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
