"""The text of the convention has the form of a PEP, and its schemas are schemas."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from docutils.core import publish_doctree
from docutils.utils import Reporter

ROOT: Final = Path(__file__).parents[2]
SPEC: Final = ROOT / "spec"
DRAFT: Final = SPEC / "pep-draft" / "pep-9999.rst"
TEXTS: Final = sorted(SPEC.glob("*/*.rst"))
SCHEMAS: Final = sorted(SPEC.glob("*/*.schema.json"))

# In the order of the template of PEP 12; those that no PEP may lack.
HEADERS: Final = (
    "PEP", "Title", "Author", "Sponsor", "PEP-Delegate", "Discussions-To", "Status", "Type",
    "Topic", "Requires", "Created", "Python-Version", "Post-History", "Replaces",
    "Superseded-By", "Resolution",
)  # fmt: skip
REQUIRED_HEADERS: Final = {"PEP", "Title", "Author", "Status", "Type", "Created"}
SECTIONS: Final = (
    "Abstract", "Motivation", "Specification", "Rationale", "Backwards Compatibility",
    "Security Implications", "How to Teach This", "Reference Implementation", "Rejected Ideas",
    "Open Issues", "Change History", "Copyright",
)  # fmt: skip
NEIGHBOURS: Final = (
    425, 503, 517, 600, 610, 639, 658, 660, 691, 700, 714, 739, 740, 751, 770, 808, 817, 825, 833,
)  # fmt: skip


def headers() -> list[tuple[str, str]]:
    head, _, _ = DRAFT.read_text("utf-8").partition("\n\n")
    return re.findall(r"^([A-Z][\w-]*): *(.*(?:\n .*)*)$", head, re.MULTILINE)


def test_the_headers_are_those_of_a_draft_in_the_order_of_pep_12() -> None:
    names = [name for name, _ in headers()]
    assert names == [name for name in HEADERS if name in names]
    assert set(names) >= REQUIRED_HEADERS
    found = dict(headers())
    assert 1 <= int(found["PEP"]) <= 9999
    assert DRAFT.name == f"pep-{found['PEP']:0>4}.rst"
    assert len(found["Title"]) <= 44, "PEP 1 wants no longer title"
    assert found["Status"] == "Draft"
    assert found["Type"] == "Standards Track"
    assert found["Topic"] == "Packaging"
    assert found["Discussions-To"] == found["Post-History"] == "Pending"
    created = datetime.strptime(found["Created"], "%d-%b-%Y")
    assert created.strftime("%d-%b-%Y") == found["Created"]
    *authors, last = found["Author"].splitlines()
    assert all(line.endswith(",") for line in authors)
    assert re.fullmatch(r"\s*[^<>]+ <[^@<>\s]+@[^@<>\s]+>,?", last)


def test_the_sections_are_in_the_order_of_pep_12_and_the_copyright_is_its() -> None:
    text = DRAFT.read_text("utf-8")
    titles = re.findall(r"^(\S.*)\n=+$", text, re.MULTILINE)
    assert tuple(titles) == SECTIONS
    abstract = text.partition("Abstract\n========\n")[2].partition("\n\n\n")[0]
    assert len(abstract.split()) <= 200
    assert text.endswith(
        "This document is placed in the public domain or under the\n"
        "CC0-1.0-Universal license, whichever is more permissive.\n"
    )


def test_the_relation_to_each_neighbour_is_told() -> None:
    text = DRAFT.read_text("utf-8")
    table = text.partition("\nRelation to other standards\n")[2].partition("\n\n\n")[0]
    missing = [number for number in NEIGHBOURS if not re.search(rf"\b{number}\b", table)]
    assert not missing
    for name in ("CycloneDX", "SPDX", "SLSA", "in-toto", "purl"):
        assert name in table


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.stem))
def test_the_texts_are_clean_for_docutils_in_lines_that_a_terminal_shows(path: Path) -> None:
    text = path.read_text("utf-8")
    settings = {"halt_level": Reporter.INFO_LEVEL, "report_level": Reporter.SEVERE_LEVEL}
    publish_doctree(text, str(path), settings_overrides=settings)
    assert [number for number, line in enumerate(text.splitlines(), 1) if len(line) > 79] == []
    # What a PEP may not hold: single backticks without a role, and links that have a role.
    assert not re.search(r"(?:^|[\s(])`[^`\n]+`(?![`_])", text)
    assert "peps.python.org" not in text
    assert "rfc-editor.org" not in text


def test_the_texts_are_clean_for_sphinx_lint() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sphinxlint", *map(str, TEXTS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_label_of_a_requirement_is_given_once() -> None:
    labels = [
        label
        for path in TEXTS
        for label in re.findall(r"^([A-Z][0-9]+)\. ", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert [label for label, count in Counter(labels).items() if count > 1] == []
    assert {label[0] for label in labels} == set("FPCIBSTNVWE")


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.stem))
def test_what_must_be_has_a_label(path: Path) -> None:
    paragraphs = re.split(r"\n\s*\n", path.read_text("utf-8"))
    without = [
        text.strip()[:60]
        for text in paragraphs
        if re.search(r"\bMUST\b", text)
        and not re.match(r"\s*[A-Z][0-9]+\. ", text)
        and '"MUST"' not in text
    ]
    assert without == []


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: str(path.name.partition(".schema")[0]))
def test_the_schemas_are_schemas_and_name_themselves(path: Path) -> None:
    schema: dict[str, Any] = json.loads(path.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    stem = path.name.partition("-0.1")[0]
    assert schema["$id"].startswith(f"urn:wheel-abi:schema:{stem}:0.1")
    assert len({json.loads(each.read_text("utf-8"))["$id"] for each in SCHEMAS}) == len(SCHEMAS)


def test_the_open_schemas_are_those_that_are_made_of_the_strict_ones() -> None:
    done = subprocess.run(
        [sys.executable, str(SPEC / "make_open_schemas.py"), "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", sorted((SPEC / "examples").glob("*.json")), ids=lambda p: p.stem)
def test_each_example_is_valid_for_both_and_a_new_name_for_consumers_alone(path: Path) -> None:
    stem = path.stem.partition("-")[0]
    strict, open_ = (
        jsonschema.Draft202012Validator(
            json.loads((SPEC / "schemas" / f"{stem}-0.1.{kind}").read_text("utf-8"))
        )
        for kind in ("schema.json", "consumer.schema.json")
    )
    document = json.loads(path.read_text("utf-8"))
    strict.validate(document)
    open_.validate(document)
    later = {**document, "a name of later": 1}
    open_.validate(later)
    assert not strict.is_valid(later)
    assert not open_.is_valid({**document, "schema_version": 1})
