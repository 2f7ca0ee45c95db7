"""Servers that others wrote, and the index that pip uses here."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from resolver_check.sources import open_source
from resolver_check.sources.simple_index import SimpleIndex
from tests.resolver_check.sources.conftest import Connect

BIG = canonicalize_name("big-one")


@contextmanager
def running(command: list[str], port: int) -> Iterator[str]:
    """The origin at which `command`, a server, listens within ten seconds."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def check(source: SimpleIndex, expected: Path) -> None:
    assert source.projects() == ("alpha", "big-one")
    (wheel,) = source.wheels(BIG)
    assert source.core_metadata(wheel)["Name"] == "big_one"
    with source.open(wheel) as archive:
        assert archive.read("big_one/first.txt") == b"first"
    assert source.fetch(wheel).read_bytes() == expected.read_bytes()


def test_python_http_server_which_knows_no_ranges(
    wheels: Path, connect: Connect, tmp_path: Path
) -> None:
    for wheel in wheels.glob("*.whl"):
        directory = tmp_path / "root" / "simple" / canonicalize_name(wheel.name.split("-")[0])
        directory.mkdir(parents=True, exist_ok=True)
        shutil.copy(wheel, directory)
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with running([*command, "--directory", str(tmp_path / "root")], port) as origin:
        check(connect(f"{origin}/simple"), next(wheels.glob("big_one*")))


@pytest.mark.network
def test_pypiserver(wheels: Path, connect: Connect, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(packages)]
    subprocess.run([*install, "pypiserver"], check=True, timeout=120)
    port = free_port()
    start = (
        f"import sys; sys.path.insert(0, {str(packages)!r});"
        "from pypiserver.__main__ import main;"
        f"main(['run', '-i', '127.0.0.1', '-p', '{port}', {str(wheels)!r}])"
    )
    with running([sys.executable, "-c", start], port) as origin:
        check(connect(f"{origin}/simple/"), next(wheels.glob("big_one*")))


@pytest.mark.network
def test_the_index_that_pip_uses() -> None:
    source = open_source(index_of_pip())
    try:
        six = canonicalize_name("six")
        wheel = next(w for w in source.wheels(six) if str(w.version) == "1.16.0")
        assert not wheel.yanked
        assert wheel.digest is not None
        assert source.core_metadata(wheel)["Name"] == "six"
        with source.open(wheel) as archive:
            assert archive.has("six.py")
    finally:
        source.close()


def index_of_pip() -> str:
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    configured = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    url = os.environ.get("PIP_INDEX_URL") or configured.stdout.strip()
    return url or "https://pypi.org/simple/"
