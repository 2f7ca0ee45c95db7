"""The schema of what `plan --format json` prints."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

_PATH = Path(__file__).parents[2] / "spec" / "schemas" / "rebuild_plan-0.1.schema.json"

PLAN_SCHEMA = jsonschema.Draft202012Validator(json.loads(_PATH.read_text("utf-8")))
