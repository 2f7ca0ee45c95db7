"""`resolver-check plan`, over directories and indexes."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.resolver_check.cli.conftest import Run, assert_refused
from tests.resolver_check.conftest import Factory
from tests.support.plan_schema import PLAN_SCHEMA
from tests.support.served_index import Manners, Reply, ServedIndex

LINUX = ("--python", "3.11", "--platform", "manylinux_2_28_x86_64")
BUMP = ("--bump", "numpy==2.0.2", *LINUX)


@pytest.fixture
def wheelhouse(make: Factory) -> Path:
    make.numpy_1()
    make.numpy_2()
    make.for_numpy_1("low")
    make.for_both("both", requires=("low",))
    make.extension("first", strings=("low",), requires=["low"])
    make.pure("plain", requires=["numpy"])
    return make.directory


def test_plans_a_directory(wheelhouse: Path, run: Run) -> None:
    text = run("plan", "--source", wheelhouse, *BUMP)
    assert (text.status, text.err) == (1, "")
    assert "keep 2, rebuild 1, unknown 0, conditional 1" in text.out
    assert text.out.index("\nkeep\n") < text.out.index("\nwave 1\n") < text.out.index("\nwave 2\n")
    table = json.loads(run("plan", "--source", wheelhouse, *BUMP, "--format", "json").out)
    assert [name.split("-")[0] for name in table["rebuild"]] == ["low"]
    assert [name.split("-")[0] for name in table["conditional"]] == ["first"]
    assert table["target"] == {"python": "3.11", "platform": "manylinux_2_28_x86_64"}


def test_prints_what_other_tools_read(wheelhouse: Path, run: Run) -> None:
    lines = run("plan", "--source", wheelhouse, *BUMP, "--format", "requirements").out.splitlines()
    assert lines == ["# wave 1", "low==1.0", "# wave 2", "# conditional: first==1.0"]
    text = run("plan", "--source", wheelhouse, *BUMP, "--format", "matrix").out
    assert text.count("\n") == 1
    assert [each["name"] for each in json.loads(text)["include"]] == ["low"]


def test_a_provider_that_disappears(make: Factory, wheelhouse: Path, run: Run) -> None:
    strings = ("numpy.core._multiarray_umath", "_ARRAY_API", "this NumPy (NumPy 1.19) here")
    make.extension("undeclared", strings=strings)
    make.extension("free")
    make.pure("elsewhere", requires=["numpy; sys_platform == 'win32'"])
    options = ("plan", "--source", wheelhouse, "--gone", "NumPy", *LINUX)
    status, out, _ = run(*options)
    assert status == 1
    assert out.startswith("numpy: 2.0.2 -> gone\n")
    table = json.loads(run(*options, "--format", "json").out)
    PLAN_SCHEMA.validate(table)
    verdicts = {each["name"]: each["verdict"] for each in table["wheels"]}
    assert verdicts == {
        **dict.fromkeys(("low", "both", "plain", "undeclared"), "invalid"),
        **dict.fromkeys(("free", "elsewhere", "first"), "valid"),
    }
    assert "it requires numpy, which is gone" in out
    assert "its binaries bind to numpy, which is gone" in out
    for wheel in wheelhouse.glob("numpy-*"):
        wheel.unlink()
    table = json.loads(run(*options, "--format", "json").out)
    verdicts = {each["name"]: each["verdict"] for each in table["wheels"]}
    assert verdicts == {
        **dict.fromkeys(("low", "both", "plain"), "invalid"),
        **dict.fromkeys(("undeclared", "free", "first"), "unknown"),
        "elsewhere": "valid",
    }


def test_what_has_gone_is_kept_in_the_state(wheelhouse: Path, run: Run, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    first = run("plan", "--source", wheelhouse, "--gone", "numpy", *LINUX, "--state", state)
    assert run("plan", "--state", state) == first
    assert run("plan", "--state", state, "--gone", "low").status == 2


def test_an_index_gives_the_same_plan_as_a_directory(wheelhouse: Path, run: Run) -> None:
    arguments = (*BUMP, "--versions", "all", "--format", "json")
    local = run("plan", "--source", wheelhouse, *arguments)
    assert run("plan", "--source", wheelhouse.as_uri(), *arguments) == local
    for form in ("html", "json"):
        with ServedIndex(wheelhouse, Manners(form=form)) as index:  # type: ignore[arg-type]
            assert run("plan", "--source", index.url, *arguments) == local


def test_an_index_is_planned_by_its_newest_versions(
    wheelhouse: Path, make: Factory, run: Run
) -> None:
    make.for_numpy_1("low", version="0.9")
    with ServedIndex(wheelhouse) as index:
        assert len(_wheels(run("plan", "--source", index.url, *BUMP, "--format", "json").out)) == 4
    here = ("plan", "--source", wheelhouse, *BUMP, "--format", "json")
    assert len(_wheels(run(*here).out)) == 5
    assert len(_wheels(run(*here, "--versions", "newest").out)) == 4


def _wheels(out: str) -> list[object]:
    return json.loads(out)["wheels"]  # type: ignore[no-any-return]


def test_the_status_says_what_there_is_to_do(make: Factory, run: Run) -> None:
    make.numpy_1()
    make.numpy_2()
    make.extension("alone")
    assert run("plan", "--source", make.directory, *BUMP).status == 0
    make.extension("namer", strings=("numpy.random",))
    assert run("plan", "--source", make.directory, *BUMP).status == 3
    make.for_numpy_1("low")
    assert run("plan", "--source", make.directory, *BUMP).status == 1


def test_a_version_that_is_not_there_is_unknown(wheelhouse: Path, run: Run) -> None:
    ran = run("plan", "--source", wheelhouse, "--bump", "numpy==9.9", *LINUX)
    assert (ran.status, ran.err) == (3, "")
    assert "keep 1, rebuild 0, unknown 3" in ran.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bump", "nobody==1.0"], "no project nobody"),
        (["--bump", "numpy"], "--bump wants NAME==VERSION"),
        (["--bump", "numpy=2"], "--bump wants NAME==VERSION"),
        (["--bump", "numpy>=2"], "--bump wants NAME==VERSION"),
        (["--bump", "numpy==2.*"], "--bump wants NAME==VERSION"),
        (["--bump", "numpy===2.0"], "--bump wants NAME==VERSION"),
        (["--bump", "numpy==two"], "--bump wants NAME==VERSION"),
        (["--bump", "numpy[x]==2.0"], "--bump wants NAME==VERSION"),
        (["--bump", "numpy==2.0; python_version < '3'"], "--bump wants NAME==VERSION"),
        (["--bump", "\x1b[31m"], "--bump wants NAME==VERSION"),
        (["--bump", "numpy==2.0.2", "--bump", "NumPy==1.26.4"], "name a project twice"),
        (["--bump", "numpy==2.0.2", "--from", "gift==1"], "which no --bump or --gone names"),
        (["--bump", "numpy==2.0.2", "--from", "numpy"], "--from wants NAME==VERSION"),
        (["--bump", "numpy==2.0.2", "--from", "numpy==1.0"], "no wheel of numpy 1.0"),
        (["--bump", "numpy==2.0.2", "--python", "3"], "--python wants"),
        (["--bump", "numpy==2.0.2", "--platform", "a-b"], "--platform wants"),
        (["--bump", "numpy==2.0.2", "--jobs", "0"], "--jobs"),
        (["--bump", "numpy==2.0.2", "--versions", "some"], "--versions"),
        ([], "say what is planned"),
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_wrong_usage_is_one_line(
    wheelhouse: Path, run: Run, arguments: list[str], said: str, form: str
) -> None:
    line = assert_refused(run("plan", "--source", wheelhouse, *arguments, "--format", form))
    assert said in line
    assert "\x1b" not in line


@pytest.mark.parametrize(
    "source", ["/nowhere/at/all", "", "ftp://host/simple", "http://", "http://[x/", "file://host/x"]
)
def test_a_source_that_is_none_is_one_line(run: Run, source: str, tmp_path: Path) -> None:
    if source == "":
        source = str(tmp_path / "file")
        Path(source).write_text("")
    assert_refused(run("plan", "--source", source, *BUMP))


def test_an_index_that_does_not_listen_is_one_line(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        ran = run("plan", "--source", f"http://127.0.0.1:{port}/simple/", *BUMP)
    assert "connection refused" in assert_refused(ran)


@pytest.mark.parametrize("path", ["/simple/", "/simple/low/"])
@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=404),
        Reply(status=403),
        Reply(status=500),
        Reply(body=b""),
        Reply(body=b"\x00\xff garbage", headers={"Content-Type": "text/html"}),
        Reply(body=b"{}", headers={"Content-Type": "application/vnd.pypi.simple.v1+json"}),
        Reply(body=b"[1", headers={"Content-Type": "application/vnd.pypi.simple.v1+json"}),
        Reply(body=b"<html>sign in</html>", headers={"Content-Type": "image/png"}),
    ],
    ids=["404", "403", "500", "empty", "garbage", "no index", "no JSON", "image"],
)
def test_an_index_that_answers_wrong_is_one_line(
    wheelhouse: Path, run: Run, path: str, reply: Reply
) -> None:
    with ServedIndex(wheelhouse) as index:
        index.say(path, *[reply] * 5)
        assert_refused(run("plan", "--source", index.url, *BUMP))


def test_an_index_that_gives_other_bytes_makes_unknown(wheelhouse: Path, run: Run) -> None:
    (low,) = (path.name for path in wheelhouse.glob("low-*"))
    with ServedIndex(wheelhouse) as index:
        index.say(f"/files/{low}", *[Reply(body=b"something else")] * 20)
        ran = run("plan", "--source", index.url, *BUMP, "--format", "json")
    assert ran.status == 3
    table = json.loads(ran.out)
    assert table["unknown"] == [low]
    assert table["rebuild"] == []


def test_help_lists_the_options(run: Run) -> None:
    helped = run("plan", "--help")
    assert helped.status == 0
    for option in ("source", "bump", "from", "python", "platform", "versions", "jobs", "evidence",
                   "format"):  # fmt: skip
        assert f"--{option} " in helped.out
