"""`resolver-check lock`: the wheels of lock files, judged with each other."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from backend_shim.embed import embed
from tests.resolver_check.cli.conftest import NEW, Run, assert_refused
from tests.resolver_check.conftest import Factory
from tests.support.served_index import Manners, ServedIndex


def requirements(file: Path, *wheels: Path) -> Path:
    """A requirements file that pins the wheels by their hashes."""
    lines = []
    for each in wheels:
        name, version = each.name.split("-")[:2]
        digest = hashlib.sha256(each.read_bytes()).hexdigest()
        lines.append(f"{name}=={version} \\\n    --hash=sha256:{digest}\n")
    file.write_text("".join(lines))
    return file


def pylock(file: Path, origin: str, *wheels: Path) -> Path:
    rows = ['lock-version = "1.0"', 'created-by = "test"']
    for each in wheels:
        name, version = each.name.split("-")[:2]
        digest = hashlib.sha256(each.read_bytes()).hexdigest()
        url = f'{{ url = "{origin}/files/{each.name}", hashes = {{ sha256 = "{digest}" }} }}'
        rows += ["[[packages]]", f'name = "{name}"', f'version = "{version}"', f"wheels = [{url}]"]
    file.write_text("\n".join(rows))
    return file


@pytest.fixture
def index(make: Factory):
    with ServedIndex(make.directory, Manners(form="json", validators="etag")) as served:
        yield served


def test_wheels_that_do_not_fit_each_other(make: Factory, run: Run, tmp_path: Path) -> None:
    wheels = (make.for_numpy_1("taker"), make.numpy_2(), make.numpy_1())
    bad = requirements(tmp_path / "bad.txt", *wheels[:2])
    ran = run("lock", bad, "--index", make.directory, *NEW)
    assert (ran.status, ran.err) == (1, "")
    assert ran.out.startswith("invalid: taker 1.0 with numpy 2.0.2\n")
    assert ran.out.endswith("\n2 pairs: 1 valid, 1 invalid, 0 unknown\n")
    good = requirements(tmp_path / "good.txt", wheels[0], wheels[2])
    ran = run("lock", good, "--index", make.directory, *NEW)
    assert (ran.status, ran.out) == (0, "2 pairs: 2 valid, 0 invalid, 0 unknown\n")


def test_a_pylock_is_read_at_its_urls(
    make: Factory, run: Run, tmp_path: Path, index: ServedIndex
) -> None:
    file = pylock(tmp_path / "pylock.toml", index.origin, make.for_numpy_1("taker"), make.numpy_2())
    ran = run("lock", file, *NEW, "--format", "json")
    told = json.loads(ran.out)
    assert (ran.status, told["verdict"]) == (1, "invalid")
    assert sorted(name.partition("-")[0] for name in told["wheels"]) == ["numpy", "taker"]
    assert not any(each.path.startswith("/simple/") for each in index.requests)


def test_what_has_to_be_built_is_unknown(make: Factory, run: Run, tmp_path: Path) -> None:
    wheel = make.extension("taker", tag="cp312-cp312-linux_x86_64")
    ran = run("lock", requirements(tmp_path / "r.txt", wheel), "--index", make.directory, *NEW)
    assert ran.status == 3
    assert "unknown: taker 1.0: has to be built" in ran.out


def test_offline_nothing_is_sent_and_the_answer_is_that_of_the_last_time(
    make: Factory, run: Run, tmp_path: Path, index: ServedIndex
) -> None:
    file = requirements(tmp_path / "r.txt", make.for_numpy_1("taker"), make.numpy_2())
    options = ("lock", file, "--index", index.url, *NEW)
    online = run(*options)
    sent = len(index.requests)
    assert online.status == 1
    assert run(*options, "--offline") == online
    assert len(index.requests) == sent


def test_published_records_stand_for_wheels(
    make: Factory, run: Run, tmp_path: Path, index: ServedIndex
) -> None:
    wheels = (make.for_numpy_1("taker"), make.numpy_2())
    for each in wheels:
        embed(each, build_inputs=None, looked_for=("numpy",))
    file = requirements(tmp_path / "r.txt", *wheels)
    packs = tmp_path / "packs"
    assert run("publish", make.directory, "--to", packs, "--only-packs").status == 0
    ran = run("lock", file, "--index", index.url, *NEW, "--records", packs / "records")
    assert ran.status == 1
    assert [each.path for each in index.requests if "taker" in each.path] == ["/simple/taker/"]


def test_a_package_in_two_files_is_refused(make: Factory, run: Run, tmp_path: Path) -> None:
    wheel = make.pure("plain")
    files = [requirements(tmp_path / name, wheel) for name in ("a.txt", "b.txt")]
    said = assert_refused(run("lock", *files, "--index", make.directory, *NEW))
    assert "plain is in several lock files" in said


def test_a_wheel_that_cannot_be_read_is_unknown(make: Factory, run: Run, tmp_path: Path) -> None:
    wheel = make.pure("plain")
    wheel.write_bytes(b"PK")
    ran = run("lock", requirements(tmp_path / "r.txt", wheel), "--index", make.directory, *NEW)
    assert ran.status == 3
    assert "unknown: plain 1.0: " in ran.out


def test_what_is_no_lock_is_refused(make: Factory, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "r.txt"
    file.write_text("numpy>=1\n")
    said = assert_refused(run("lock", file, "--index", make.directory, *NEW))
    assert "r.txt:1: numpy has no --hash" in said


def test_credentials_are_not_shown(make: Factory, run: Run, tmp_path: Path) -> None:
    file = pylock(tmp_path / "pylock.toml", "http://me:secret@127.0.0.1:9", make.pure("plain"))
    for options in ((), ("--offline",)):
        ran = run("lock", file, *NEW, *options)
        assert ran.status == 3
        assert "secret" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("python", "status"), [("3.11.7", 0), ("3.11.3", 2), ("3.11", 2), ("3.11.7.1", 2)]
)
def test_the_micro_version_counts(
    make: Factory, run: Run, tmp_path: Path, index: ServedIndex, python: str, status: int
) -> None:
    file = pylock(tmp_path / "pylock.toml", index.origin, make.pure("plain"))
    file.write_text('requires-python = ">=3.11.4"\n' + file.read_text())
    assert run("lock", file, "--python", python).status == status
