"""Bumps of wheels from the package index, of which is known how they went."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.released_wheel import NotDownloaded, download

pytestmark = [pytest.mark.network, pytest.mark.slow]

ROOT = Path(__file__).parents[2]

# (consumer, old provider, new provider, verdicts that would be right). Importing the consumer with
# the new provider told which ones break; these are never `valid`.
BUMPS = [
    ("bottleneck==1.3.7", "numpy==1.26.4", "numpy==2.0.2", {"invalid"}),
    ("bottleneck==1.3.7", "numpy==1.25.2", "numpy==1.26.4", {"valid"}),
    ("bottleneck==1.4.2", "numpy==1.26.4", "numpy==2.0.2", {"valid"}),
    ("shapely==2.0.2", "numpy==1.26.4", "numpy==2.0.2", {"invalid"}),
    ("gevent==24.2.1", "greenlet==3.0.3", "greenlet==3.1.1", {"valid"}),
    ("gevent==20.9.0", "greenlet==0.4.17", "greenlet==2.0.2", {"invalid", "unknown"}),
    ("pyside6-essentials==6.7.0", "shiboken6==6.7.0", "shiboken6==6.8.0", {"invalid"}),
    ("pyside6-essentials==6.7.0", "shiboken6==6.7.0", "shiboken6==6.7.1", {"invalid"}),
    ("aiohttp==3.9.5", "multidict==6.0.5", "multidict==6.1.0", {"valid", "unknown"}),
]
_PYTHON = {"gevent==20.9.0": "3.9", "greenlet==0.4.17": "3.9", "greenlet==2.0.2": "3.9"}


def _wheel(release: str) -> Path:
    try:
        return download(release, _PYTHON.get(release, "3.11"))
    except NotDownloaded as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("consumer", "old", "new", "right"),
    [pytest.param(*bump, id=" ".join(bump[:3])) for bump in BUMPS],
)
def test_bump(consumer: str, old: str, new: str, right: set[str]) -> None:
    wheel, before, after = _wheel(consumer), _wheel(old), _wheel(new)
    ran = subprocess.run(
        [sys.executable, "-m", "resolver_check", "judge", wheel,
         "--old", before, "--new", after, "--format", "json"],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert ran.stderr == ""
    table = json.loads(ran.stdout)
    assert table["verdict"] in right, table["reasons"]
    assert ran.returncode == {"valid": 0, "invalid": 1, "unknown": 3}[table["verdict"]]
    assert {reason["kind"] for reason in table["reasons"]} >= {"derived"}
