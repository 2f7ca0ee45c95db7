"""Both halves of the project answer the test vectors as the text says, and the runner can fail."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest

from tests.spec.answers import checker, shim

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "spec"
RUNNER = SPEC / "run_vectors.py"
SCHEMA = json.loads((SPEC / "vectors" / "vectors-0.1.schema.json").read_text("utf-8"))
FILES = sorted(
    path
    for path in (SPEC / "vectors").glob("*.json")
    if path.name not in ("vectors-0.1.schema.json", "not_covered.json")
)
VERSION = {"test_type": "version", "input": {"schema_version": "0.1"}}
# Two entries of a list that must differ by one of their names, and two names that must be equal.
NO_SCHEMA_CAN_TELL = {
    "Fingerprint: an interface twice in provides is refused",
    "Fingerprint: an interface twice in requires is refused",
    "Fingerprint: a series twice is refused",
    "Build inputs: a distribution twice is refused",
    "Build inputs: a package URL of another distribution is refused",
}


def read_tests(path: Path) -> list[dict[str, Any]]:
    tests: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["tests"]
    return tests


@cache
def all_tests() -> tuple[dict[str, Any], ...]:
    return tuple(test for path in FILES for test in read_tests(path))


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SPEC / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, RUNNER, *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False
    )


@pytest.mark.parametrize("half", ["shim", "checker"])
def test_each_half_answers_as_the_text_says(half: str) -> None:
    done = run("--", sys.executable, "-m", f"tests.spec.answers.{half}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "differs" not in done.stdout
    assert " 0 failed" in done.stdout.splitlines()[-1]


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not there")
def test_a_reader_in_another_language_that_was_written_from_the_text_answers_so_too() -> None:
    reader = SPEC / "independent_reader" / "reader.mjs"
    of_records = ("parse", "canonicalize", "version", "locate")
    done = run("--only", *of_records, "--", "node", reader)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "differs" not in done.stdout
    total = done.stdout.splitlines()[-1]
    assert " 0 failed, 0 unsupported" in total
    assert f" {sum(test['test_type'] in of_records for test in all_tests())} passed" in total


def test_every_type_of_test_is_answered_by_a_half() -> None:
    assert {test["test_type"] for test in all_tests()} <= shim.ANSWERS.keys() | checker.ANSWERS


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.stem))
def test_the_files_are_as_their_schema_says(path: Path) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(path.read_text("utf-8")))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.stem))
def test_no_two_tests_of_a_file_have_the_same_description(path: Path) -> None:
    told = Counter(test["description"] for test in read_tests(path))
    assert [description for description, count in told.items() if count > 1] == []


def test_nothing_of_this_machine_is_in_the_vectors() -> None:
    for path in FILES:
        text = path.read_text("utf-8")
        assert str(ROOT) not in text, path
        assert f"{Path.home()}/" not in text, path


@cache
def text_of(file: str) -> str:
    return (ROOT / file).read_text("utf-8")


def test_every_requirement_has_a_vector_or_a_reason() -> None:
    coverage = loaded("must_coverage")
    texts, vectors, reasons = coverage.requirements(), coverage.covered(), coverage.not_covered()
    assert vectors.keys() - texts.keys() == set()
    assert texts.keys() - vectors.keys() == reasons.keys()
    shown = [each.shown_by.partition("::") for each in reasons.values() if each.shown_by]
    assert [name for file, _, name in shown if f"def {name}(" not in text_of(file)] == []
    table = list(coverage.rows(texts, vectors, reasons))
    assert len(table) == 2 + len(texts)
    assert not [row for row in table if "**none**" in row]


def test_a_label_stands_at_the_start_of_a_paragraph_and_only_once(tmp_path: Path) -> None:
    coverage = loaded("must_coverage")
    text = "F1. It MUST be\na file.\n\nSee F2. Or\nF3. not here.\n\n  B10. No.\n\nB2. Yes."
    (tmp_path / "a.rst").write_text(text)
    assert coverage.requirements(tmp_path) == {"F1": "It MUST be a file.", "B2": "Yes."}
    (tmp_path / "b.rst").write_text("F1. Again.")
    with pytest.raises(ValueError, match="F1"):
        coverage.requirements(tmp_path)


def documents() -> list[dict[str, Any]]:
    """The tests whose document a schema can be asked about."""
    return [
        test
        for test in all_tests()
        if test["test_type"] == "parse" and "json" in test["input"]["data"]
    ]


def is_valid(document: str, profile: str, value: object) -> bool:
    schema = json.loads((SPEC / "schemas" / f"{document}-0.1{profile}.schema.json").read_text())
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


def test_the_schema_for_readers_accepts_what_the_vectors_accept() -> None:
    assert len(documents()) > 100
    differ = {
        test["description"]
        for test in documents()
        if is_valid(test["input"]["document"], ".consumer", test["input"]["data"]["json"])
        is not (test.get("expected_output") == {"understood": True})
    }
    assert differ == NO_SCHEMA_CAN_TELL


def test_the_schema_for_producers_refuses_only_names_that_it_does_not_know() -> None:
    refused = {
        test["description"]: test["requirements"]
        for test in documents()
        if test.get("expected_output") == {"understood": True}
        and not is_valid(test["input"]["document"], "", test["input"]["data"]["json"])
    }
    assert refused
    assert all("C6" in requirements for requirements in refused.values())


def vectors_in(directory: Path, *tests: dict[str, Any]) -> Path:
    """The folder with one file of these tests, each one completed."""
    complete = [
        {
            "description": f"test {number}",
            "test_group": "required",
            "requirements": [],
            **({} if "expected_failure" in test else {"expected_output": {"understood": True}}),
            **test,
        }
        for number, test in enumerate(tests)
    ]
    document = {"$schema": "vectors-0.1.schema.json", "tests": complete}
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    (directory / "made.json").write_text(json.dumps(document), "utf-8")
    return directory


def program(directory: Path, body: str) -> list[str]:
    """The command of a program that runs `body` for each `question`; `say` writes a line."""
    path = directory / "program.py"
    path.write_text(
        "import json, sys, time\n"
        "def say(value):\n"
        "    print(value if isinstance(value, str) else json.dumps(value), flush=True)\n"
        "for line in sys.stdin:\n"
        "    question = json.loads(line)\n"
        "    number = question['id']\n"
        f"    {body}\n",
        "utf-8",
    )
    return ["--", sys.executable, str(path)]


def test_who_understands_everything_fails_on_the_real_vectors(tmp_path: Path) -> None:
    wrong = program(tmp_path, "say({'id': number, 'output': {'understood': True}})")
    done = run(*wrong)
    assert done.returncode == 1
    for fact in ("A byte order mark", "FAILED versions.json: 0.10 is another version than 0.1"):
        assert fact.lower() in done.stdout.lower()
    assert 'expected {"failure": {"path": "objects[0].size"}}' in done.stdout


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("say({'id': number, 'output': {'understood': 1}})", '"understood": 1'),
        ("say({'id': number, 'output': None})", '"output": null'),
        ("say({'id': number + 1, 'output': {'understood': True}})", "not an answer"),
        ("say({'output': {'understood': True}})", "not an answer"),
        ("say('[]')", "not an answer"),
        ("say('understood')", "not an answer: understood"),
        ("say({'id': number})", "got      {}"),
        ("say({'id': number, 'failure': {'path': '', 'message': 'no'}})", '"message": "no"'),
        ("say({'id': number, 'output': {'understood': True}, 'failure': {}})", "failure"),
        ("sys.exit(3)", "the program has ended"),
        ("sys.stdout.write('{'); sys.exit()", "the program has ended"),
    ],
)
def test_an_answer_that_is_not_the_expected_one_fails(
    tmp_path: Path, answer: str, said: str
) -> None:
    done = run("--vectors", vectors_in(tmp_path, VERSION), *program(tmp_path, answer))
    assert done.returncode == 1, done.stdout
    assert "FAILED made.json: test 0" in done.stdout
    assert said in done.stdout


def test_who_is_silent_fails_in_all_that_is_left(tmp_path: Path) -> None:
    silent = program(
        tmp_path, "say({'id': 0, 'output': {'understood': True}}) if not number else time.sleep(60)"
    )
    vectors = vectors_in(tmp_path, VERSION, VERSION, VERSION)
    done = run("--seconds", "0.5", "--vectors", vectors, *silent)
    assert done.returncode == 1
    assert done.stdout.count("no answer within 0.5 seconds") == 2
    assert done.stdout.splitlines()[-1] == "total: 1 passed, 2 failed, 0 unsupported"


def test_of_a_failure_only_the_path_counts(tmp_path: Path) -> None:
    fault = {**VERSION, "expected_failure": True, "expected_path": "a[0]"}
    vectors = vectors_in(tmp_path, fault)
    for path, status in (("a[0]", 0), ("a", 1)):
        body = f"say({{'id': 0, 'failure': {{'path': {path!r}, 'message': 'x'}}}})"
        assert run("--vectors", vectors, *program(tmp_path, body)).returncode == status


def test_what_is_recommended_is_told_and_does_not_fail(tmp_path: Path) -> None:
    other = {**VERSION, "test_group": "recommended", "expected_output": {"understood": False}}
    answer = program(tmp_path, "say({'id': number, 'output': {'understood': True}})")
    done = run("--vectors", vectors_in(tmp_path, VERSION, other), *answer)
    assert done.returncode == 0
    assert "differs (recommended) made.json: test 1" in done.stdout


def test_who_supports_nothing_has_not_passed(tmp_path: Path) -> None:
    answer = program(tmp_path, "say({'id': number, 'unsupported': True})")
    done = run("--vectors", vectors_in(tmp_path, VERSION), "--table", *answer)
    assert done.returncode == 1
    assert "| version | 1 | 0 | 0 | 1 |" in done.stdout


def test_only_some_types_can_be_asked_for(tmp_path: Path) -> None:
    parse = {"test_type": "parse", "input": {}}
    answer = program(tmp_path, "say({'id': number, 'output': {'understood': True}})")
    vectors = vectors_in(tmp_path, VERSION, parse)
    done = run("--vectors", vectors, "--only", "parse", "redact", *answer)
    assert done.stdout.splitlines()[-1] == "total: 1 passed, 0 failed, 0 unsupported"


def test_what_cannot_be_run_at_all_has_a_status_of_its_own(tmp_path: Path) -> None:
    assert run("--vectors", tmp_path, "--", sys.executable).returncode == 2
    (tmp_path / "a.json").write_text("{")
    assert run("--vectors", tmp_path, "--", sys.executable).returncode == 2
    missing = str(tmp_path / "no-such-program")
    assert run("--vectors", vectors_in(tmp_path / ".", VERSION), "--", missing).returncode == 2
