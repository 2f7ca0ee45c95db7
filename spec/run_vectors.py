"""Hold an implementation of the convention against its test vectors.

    python run_vectors.py [--vectors DIR] [--only TYPE…] [--table] -- COMMAND…

COMMAND is started once. For each test it is given one line of JSON, ``{"id": …, "test_type": …,
"input": …}``, and answers it with one line, before it is given the next:

    {"id": …, "output": …}                             the result
    {"id": …, "failure": {"path": …, "message": …}}    the input is refused for what stands at path
    {"id": …, "unsupported": true}                     it does not do tests of this type

An output is right if it is the same JSON as the expected one; of a failure only the path counts.
What is not answered in time, or not in this form, is wrong. Standard library only.

Exit status: 0 if all required tests passed that are supported, and at least one did; 1 if not; 2 if
the vectors cannot be read or COMMAND cannot be started.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LONGEST_LINE: Final = 64 << 20
HERE: Final = Path(__file__).resolve().parent


@dataclass(frozen=True, kw_only=True)
class Vector:
    """One test, and the file that it stands in."""

    file: str
    test: dict[str, Any]

    @property
    def test_type(self) -> str:
        return str(self.test["test_type"])

    @property
    def is_required(self) -> bool:
        return bool(self.test["test_group"] == "required")

    @property
    def expected(self) -> dict[str, Any]:
        """What an answer has to hold, in the form of an answer."""
        if self.test.get("expected_failure"):
            return {"failure": {"path": self.test["expected_path"]}}
        return {"output": self.test["expected_output"]}


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one test: `passed`, `failed` or `unsupported`."""

    vector: Vector
    outcome: str
    got: str = ""


class NoAnswer(Exception):
    """The program is gone or silent; the text says which."""


class Program:
    """The implementation under test, one question at a time."""

    def __init__(self, process: asyncio.subprocess.Process, seconds: float) -> None:
        self._process = process
        self._seconds = seconds

    @classmethod
    async def start(cls, command: list[str], seconds: float) -> Program:
        """The started `command`; raises OSError."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, limit=LONGEST_LINE
        )
        return cls(process, seconds)

    async def ask(self, question: dict[str, Any]) -> str:
        """The line that it answers; raises NoAnswer."""
        try:
            line = await asyncio.wait_for(self._exchange(question), self._seconds)
        except asyncio.TimeoutError:
            raise NoAnswer(f"no answer within {self._seconds:g} seconds") from None
        except ConnectionError:
            line = b""
        except ValueError as error:
            raise NoAnswer(f"no answer: {error}") from None
        if not line.endswith(b"\n"):
            raise NoAnswer("no answer: the program has ended")
        return line.decode("utf-8", "replace").rstrip("\r\n")

    async def _exchange(self, question: dict[str, Any]) -> bytes:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # ASCII with escapes: no setting of the other side's encoding can spoil it.
        self._process.stdin.write(json.dumps(question).encode("ascii") + b"\n")
        await self._process.stdin.drain()
        return await self._process.stdout.readline()

    async def stop(self) -> None:
        """Close its input, and end it if that does not."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 2)
        except asyncio.TimeoutError:
            self._process.kill()
            await self._process.wait()


def read_vectors(directory: Path, only: Collection[str] = ()) -> list[Vector]:
    """The tests in `directory`, of the types `only` if any; raises OSError, ValueError."""
    found = []
    for path in sorted(directory.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        found += [Vector(file=path.name, test=test) for test in document.get("tests", ())]
    if not found:
        raise ValueError(f"{directory}: no test vectors")
    return [each for each in found if not only or each.test_type in only]


async def run(vectors: Iterable[Vector], command: list[str], seconds: float) -> list[Result]:
    """What becomes of each of `vectors`; raises OSError where `command` cannot be started."""
    program = await Program.start(command, seconds)
    results = []
    gone = ""
    for number, vector in enumerate(vectors):
        question = {"id": number, "test_type": vector.test_type, "input": vector.test["input"]}
        if not gone:
            try:
                results.append(judged(vector, number, await program.ask(question)))
                continue
            except NoAnswer as why:
                gone = str(why)
        results.append(Result(vector=vector, outcome="failed", got=gone))
    await program.stop()
    return results


def judged(vector: Vector, number: int, line: str) -> Result:
    """What the answer `line` to the test means."""
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or answer.pop("id", None) != number:
        return Result(vector=vector, outcome="failed", got=f"not an answer: {line}")
    if answer == {"unsupported": True}:
        return Result(vector=vector, outcome="unsupported")
    seen = answer
    if isinstance(answer.get("failure"), dict):
        seen = {**answer, "failure": {"path": answer["failure"].get("path")}}
    is_right = _text(seen) == _text(vector.expected)
    return Result(vector=vector, outcome="passed" if is_right else "failed", got=_text(answer))


def _text(value: Any) -> str:
    """The same for the same JSON, and for nothing else: to Python 1, 1.0 and true are equal."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def report(results: list[Result], *, as_table: bool) -> Iterator[str]:
    """The lines to print: those of what failed, and the totals."""
    for each in results:
        if each.outcome == "failed":
            word = "FAILED" if each.vector.is_required else "differs (recommended)"
            yield f"{word} {each.vector.file}: {each.vector.test['description']}"
            yield f"  expected {_text(each.vector.expected)}"
            yield f"  got      {each.got}"
    counts: dict[str, Counter[str]] = {}
    for each in results:
        counts.setdefault(each.vector.test_type, Counter())[each.outcome] += 1
    outcomes = ("passed", "failed", "unsupported")
    if as_table:
        yield "| test type | tests | passed | failed | unsupported |"
        yield "|---|---:|---:|---:|---:|"
    rows = [*sorted(counts.items()), ("total", sum(counts.values(), Counter()))]
    for name, found in rows:
        if as_table:
            cells = (name, sum(found.values()), *(found[outcome] for outcome in outcomes))
            yield f"| {' | '.join(map(str, cells))} |"
        else:
            told = ", ".join(f"{found[outcome]} {outcome}" for outcome in outcomes)
            yield f"{name}: {told}"


def main(arguments: list[str] | None = None) -> int:
    """Run the vectors over the command of `arguments`; the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--vectors", type=Path, default=HERE / "vectors", metavar="DIR",
        help="where the vectors are (default: beside this file)",
    )  # fmt: skip
    parser.add_argument(
        "--only", action="extend", nargs="+", default=[], metavar="TYPE",
        help="only tests of these types, such as parse; may be given several times",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=float, default=30, help="time for each answer (default: 30)"
    )
    parser.add_argument("--table", action="store_true", help="print the totals as Markdown")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="after --")
    given = parser.parse_args(arguments)
    try:
        vectors = read_vectors(given.vectors, given.only)
        results = asyncio.run(run(vectors, given.command, given.seconds))
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    for line in report(results, as_table=given.table):
        print(line)
    wrong = [each for each in results if each.outcome == "failed" and each.vector.is_required]
    return 1 if wrong or not any(each.outcome == "passed" for each in results) else 0


if __name__ == "__main__":
    sys.exit(main())
