"""Servers that others wrote, and the index that pip uses here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from resolver_check.sources import open_source
from resolver_check.sources.simple_index import SimpleIndex
from tests.resolver_check.sources.conftest import Connect
from tests.support.real_server import http_server, pypiserver

BIG = canonicalize_name("big-one")


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
    with http_server(tmp_path / "root") as origin:
        check(connect(f"{origin}/simple"), next(wheels.glob("big_one*")))


def test_pypiserver(wheels: Path, connect: Connect) -> None:
    with pypiserver(wheels) as origin:
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
