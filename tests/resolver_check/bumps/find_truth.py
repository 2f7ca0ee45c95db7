"""Finds out how bumps of wheels from the package index go, and writes it into bumps.json.

    python -m tests.resolver_check.bumps.find_truth [--bumps FILE] [--only TEXT] [--again]

It runs the code of the wheels: for somewhere disposable. Needs uv, and CPythons of pyenv or of uv.

Per bump: an environment with the consumer, its requirements and the provider that it was built for;
then that provider alone is replaced. What could be loaded before and cannot now, is broken. Unless
another distribution there, as the new provider itself, cannot be loaded any more: that says nothing
about the consumer. A bump has

- `consumer`, `provider`, `built`, `bumped`: wheels for CPython `python` on x86-64 with glibc;
- `with`: requirements besides, where the newest ones of AS_OF that its metadata allow do not fit;
- `exercise`: Python that calls what is bound, for breaks that an import does not show;
- `works` and `error`: what was found. Entries that have these are left alone without --again;
- `why_not_kept`: what the checker has not enough evidence about. Not written here.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from tests.support.released_wheel import NotDownloaded, download

HERE = Path(__file__).parent
AS_OF = "2025-11-15"  # requirements that came later are not taken

Bump: TypeAlias = dict[str, Any]
Outcomes: TypeAlias = dict[str, "str | None"]


class Environment:
    """A virtual environment at `path`, of a CPython such as 3.11."""

    def __init__(self, path: Path, python: str) -> None:
        self.python = path / "bin/python"
        pyenv = sorted(Path.home().glob(f".pyenv/versions/{python}.*/bin/python"))
        self._uv("venv", "--python", *(pyenv[:1] or [python]), path)

    def install(self, *requirements: str | Path) -> None:
        """Wheels, and what they require."""
        self._pip_install("--exclude-newer", AS_OF, "--only-binary", ":all:", *requirements)

    def replace(self, wheel: Path) -> None:
        """That wheel in place of the one of its project, whatever others say to it."""
        self._pip_install("--no-deps", "--reinstall", wheel)

    def loaded(
        self, release: str, exercise: str = "", only: Iterable[str] | None = None
    ) -> Outcomes:
        """What could be loaded of a distribution, and what not; `-name` for all but that one."""
        distribution = release.split("==", maxsplit=1)[0]
        command = [self.python, HERE / "import_modules.py", distribution, exercise]
        done = subprocess.run(
            command, input=json.dumps(only and list(only)), capture_output=True, text=True,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"}, cwd=self.python.parent, check=False,
        )  # fmt: skip
        if done.returncode:
            raise ChildFailed(f"ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
        outcomes: Outcomes = json.loads(done.stdout)
        return outcomes

    def failed(
        self, release: str, exercise: str = "", only: Iterable[str] | None = None
    ) -> dict[str, str]:
        """What could not be loaded, and what was said."""
        outcomes = self.loaded(release, exercise, only)
        return {name: said for name, said in outcomes.items() if said}

    def _pip_install(self, *arguments: str | Path) -> None:
        self._uv("pip", "install", "--no-config", "--python", self.python, *arguments)

    def _uv(self, *arguments: str | Path) -> None:
        command = ["uv", "--quiet", *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise ChildFailed(f"ended with {ran.returncode}: {ran.stderr.strip()[-2000:]}")


class ChildFailed(Exception):
    """What uv, or the interpreter of an environment, says it could not do."""


def find_truth(bumps: list[Bump]) -> Iterator[str]:
    """Sets `works` and `error` of bumps that share a consumer and start from one provider."""
    first = bumps[0]
    consumer, python, exercise = first["consumer"], first["python"], first.get("exercise", "")
    provider = first["provider"]
    wheel, before = download(consumer, python), download(f"{provider}=={first['built']}", python)
    with tempfile.TemporaryDirectory() as directory:
        environment = Environment(Path(directory) / "environment", python)
        environment.install(wheel, before, *first.get("with", ()))
        then = environment.loaded(consumer, exercise)
        counted = [name for name, error in then.items() if error is None]
        yield f"{consumer}: {len(counted)} of {len(then)} can be loaded with {before.name}"
        yield from (f"    not {name}: {error}" for name, error in then.items() if error)
        for bump in bumps if counted else ():
            after = download(f"{provider}=={bump['bumped']}", python)
            environment.replace(after)
            failed = environment.failed(consumer, exercise, counted)
            label = f"  {provider} {bump['bumped']}"
            if failed and (others := _others_that_fail(environment, consumer, before, after)):
                yield f"{label}: nothing found, others fail too: {others[:2]}"
                continue
            errors = [f"{name}: {said}".replace(directory, "") for name, said in failed.items()]
            bump["works"], bump["error"] = not errors, errors[0] if errors else None
            yield f"{label}: {len(errors)} fail, {errors[0]}" if errors else f"{label}: works"


def _others_that_fail(
    environment: Environment, consumer: str, before: Path, after: Path
) -> list[str]:
    """What else can be loaded with the provider `before`, but not with `after`, which is there."""
    now = environment.failed(f"-{consumer}")
    environment.replace(before)
    then = environment.loaded(f"-{consumer}", only=now)
    environment.replace(after)
    return [f"{name}: {said}" for name, said in now.items() if then.get(name, said) is None]


def start(bump: Bump) -> tuple[str, ...]:
    """What bumps in one environment have in common, the bumped version apart."""
    keys = ("provider", "consumer", "python", "built", "with", "exercise")
    return tuple(str(bump.get(key, "")) for key in keys)


def write(path: Path, bumps: list[Bump]) -> None:
    """Writes bumps in order, one per line."""
    bumps.sort(key=lambda bump: (*start(bump), bump["bumped"]))
    path.write_text("[\n" + ",\n".join(map(json.dumps, bumps)) + "\n]\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bumps", type=Path, default=HERE / "bumps.json")
    parser.add_argument("--only", default="", help="consumers and providers with this in the name")
    parser.add_argument("--again", action="store_true", help="those too that were tried before")
    arguments = parser.parse_args()
    bumps: list[Bump] = json.loads(arguments.bumps.read_text())
    for _, group in itertools.groupby(sorted(bumps, key=start), key=start):
        chosen = [
            bump
            for bump in group
            if arguments.only in f"{bump['consumer']} {bump['provider']}"
            and (arguments.again or "works" not in bump)
        ]
        if not chosen:
            continue
        try:
            for line in find_truth(chosen):
                print(line, flush=True)  # noqa: T201
        except (NotDownloaded, ChildFailed) as error:
            print(f"{chosen[0]['consumer']}: {error}", flush=True)  # noqa: T201
        write(arguments.bumps, bumps)


if __name__ == "__main__":
    main()
