"""One build: from where, with what, and every way in which it fails."""

from __future__ import annotations

import io
import netrc
import stat
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from resolver_check.rebuild import BuildResult, Workshop
from resolver_check.sources.sdists import SdistDirectory
from resolver_check.sources.web_address import Credentials
from resolver_check.target import target
from tests.support.wheel_factory import make_wheel

NAME, VERSION = canonicalize_name("demo"), Version("1.0")
MAKES_A_WHEEL = """\
mkdir -p "$5"; cp "{wheel}" "$5"
cat "${{PIP_CONSTRAINT#file://}}"; echo "$PIP_FIND_LINKS"; ls "$6"
"""


def sdist(directory: Path, *members: str, name: str = "demo-1.0.tar.gz") -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            for member in members:
                archive.writestr(member, b"x")
        return path
    with tarfile.open(path, "w:gz") as packed:
        for member in members:
            info = tarfile.TarInfo(member)
            info.size = 1
            packed.addfile(info, io.BytesIO(b"x"))
    return path


def is_running(process: int) -> bool:
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state == "Z":  # killed, and nobody asked for its status
            return False
        time.sleep(0.1)
    return True


class Built:
    """Builds `demo` with a front end that is a shell script."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.out = place / "out"
        self.indexes: list[tuple[str, Credentials | None]] = []

    def __call__(self, script: str, *, timeout: int | None = None) -> BuildResult:
        python = self.place / "python"
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(python.stat().st_mode | stat.S_IXUSR)
        return Workshop(
            sdists=SdistDirectory(self.place / "sdists"),
            python=str(python),
            out=self.out,
            find_links=(Path("/links"),),
            indexes=self.indexes,
            constraints=("numpy==2.0.2", "gift @ file:///gift-1.0-py3-none-any.whl"),
            target=target("3.11", "manylinux_2_28_x86_64"),
            timeout=timeout,
        ).build(NAME, VERSION)

    def left(self) -> set[str]:
        return {path.name for path in self.out.iterdir()}


@pytest.fixture
def build(tmp_path: Path) -> Built:
    return Built(tmp_path)


@pytest.mark.parametrize("name", ["demo-1.0.tar.gz", "demo-1.0.zip"])
def test_the_wheel_comes_out_and_the_log_tells_what_was_said(
    build: Built, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "/mine")
    sdist(build.place / "sdists", "demo-1.0/marker.txt", name=name)
    wheel = make_wheel(build.place, name="demo", version="1.0", files={"demo.py": b""})
    result = build(MAKES_A_WHEEL.format(wheel=wheel))
    assert result.wheel == build.out / wheel.name
    assert result.wheel.read_bytes() == wheel.read_bytes()
    said = result.log.read_text().splitlines()
    assert said[:3] == [
        "numpy==2.0.2",
        "gift @ file:///gift-1.0-py3-none-any.whl",
        "file:///links /mine",
    ]
    assert "marker.txt" in said
    assert build.left() == {wheel.name, "logs"}


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 7", "ended with status 7"),
        ("true", "made 0 wheels"),
        ('mkdir -p "$5"; touch "$5/other-1.0-py3-none-any.whl"', "not demo 1.0"),
        ('mkdir -p "$5"; touch "$5/odd.whl"', "not demo 1.0"),
        ('mkdir -p "$5"; touch "$5/demo-1.0-cp310-cp310-linux_x86_64.whl"', "not for CPython 3.11"),
    ],
)
def test_a_build_without_its_wheel_has_failed(build: Built, script: str, said: str) -> None:
    sdist(build.place / "sdists", "demo-1.0/setup.py")
    result = build(script)
    assert result.wheel is None
    assert said in result.log.read_text()
    assert build.left() == {"logs"}


def test_a_build_that_takes_too_long_is_ended_with_all_that_it_started(build: Built) -> None:
    sdist(build.place / "sdists", "demo-1.0/setup.py")
    result = build("sleep 600 & echo $!; sleep 600", timeout=1)
    assert result.wheel is None
    said = result.log.read_text()
    assert "more than 1 seconds" in said
    assert not is_running(int(said.split()[0]))


@pytest.mark.parametrize(
    "members",
    [
        ("demo-1.0/setup.py", "../outside.txt"),
        ("/outside.txt",),
        ("demo-1.0/setup.py", "demo-2.0/setup.py"),
        ("setup.py",),
        (),
    ],
)
def test_an_archive_that_is_no_sdist_is_not_built(build: Built, members: tuple[str, ...]) -> None:
    sdist(build.place / "sdists", *members)
    before = set(build.place.rglob("outside.txt"))
    assert build("exit 0").wheel is None
    assert set(build.place.rglob("outside.txt")) == before
    assert build.left() == {"logs"}


def test_without_a_readable_sdist_nothing_is_built(build: Built) -> None:
    (build.place / "sdists").mkdir()
    assert "there is no sdist" in build("true").log.read_text()
    (build.place / "sdists" / "demo-1.0.tar.gz").write_bytes(b"no archive")
    assert build("true").wheel is None


SHOWS_NETRC = """\
echo "indexes $PIP_EXTRA_INDEX_URL"; stat -c %a "$NETRC"; stat -c %a "$(dirname "$NETRC")"
cp "$NETRC" "{copy}"; tr '\\0' ' ' < /proc/$$/environ
"""


def test_a_password_reaches_pip_by_a_file_that_is_the_users_alone(
    build: Built, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "own-netrc"
    own.write_text("machine other login me password mine")
    monkeypatch.setenv("NETRC", str(own))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://third/simple")
    sdist(build.place / "sdists", "demo-1.0/marker.txt")
    login = Credentials(user="ann", password="s3cret=/@")
    build.indexes = [("https://first:8443/simple", login), ("https://second/simple", None)]
    copy = tmp_path / "copy"
    said = build(SHOWS_NETRC.format(copy=copy)).log.read_text()
    assert "indexes https://first:8443/simple https://second/simple https://third/simple" in said
    assert said.splitlines()[1:3] == ["600", "700"]
    assert "s3cret" not in said
    read = netrc.netrc(str(copy))
    assert read.authenticators("first") == ("ann", "", "s3cret=/@")
    assert read.authenticators("other") == ("me", "", "mine")
    assert build.left() == {"logs"}


@pytest.mark.parametrize("password", ["two words", "back\\slash", '"quoted"', "#first", "line\n"])
def test_a_password_that_no_netrc_can_hold_is_refused(build: Built, password: str) -> None:
    sdist(build.place / "sdists", "demo-1.0/marker.txt")
    build.indexes = [("https://first/simple", Credentials(user="ann", password=password))]
    said = build("touch built").log.read_text()
    assert "https://first/simple: its user or password has a sign" in said
    assert password not in said
