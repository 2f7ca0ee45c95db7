"""The two numbers on real wheels: gevent 20.9.0 with the greenlets that it was tried with."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend_shim.record.series import Series
from resolver_check.check import Bump, judge
from resolver_check.model import EvidenceLevel, Verdict
from resolver_check.sources.series_file import Promises, read_promises
from tests.resolver_check.conftest import Open
from tests.support.released_wheel import NotDownloaded, download

pytestmark = [pytest.mark.network, pytest.mark.slow]

# What a maintainer of greenlet could have declared; 0.4.17 added to the struct, 2.0 made it opaque.
SERIES = """
[[series]]
provider = "greenlet"
name = "greenlet"
versions = "<2"
last-change = "0.4.10"
last-addition = "0.4.17"

[[series]]
provider = "greenlet"
name = "greenlet"
versions = ">=2"
last-change = "2.0"
last-addition = "3.0"
"""


@pytest.mark.parametrize(
    ("release", "verdict", "kind"),
    [
        # Each was imported and run: 0.4.16 and 2.0.2 fail, the others work.
        ("0.4.16", Verdict.UNKNOWN, "series-promises-nothing"),
        ("1.0.0", Verdict.VALID, "series-fits"),
        ("1.1.3", Verdict.VALID, "series-fits"),
        ("2.0.2", Verdict.INVALID, "series-broken"),
    ],
)
def test_each_verdict_agrees_with_what_happened(
    tmp_path: Path, open_subject: Open, release: str, verdict: Verdict, kind: str
) -> None:
    (tmp_path / "series.toml").write_text(SERIES)
    promises = Promises(shipped=(), given=read_promises(tmp_path / "series.toml"))
    try:
        wheels = [
            download(each, "3.8")
            for each in ("gevent==20.9.0", "greenlet==0.4.17", f"greenlet=={release}")
        ]
    except NotDownloaded as error:
        pytest.skip(str(error))
    gevent, old, new = map(open_subject, wheels)
    judgement = judge(gevent, Bump(old, new, promises), level=EvidenceLevel.PROMISED)
    assert judgement.verdict is verdict
    assert kind in {reason.kind for _, reason in judgement.reasons}


def test_the_file_says_what_a_wheel_could_declare(tmp_path: Path) -> None:
    (tmp_path / "series.toml").write_text(SERIES)
    promises = Promises(shipped=(), given=read_promises(tmp_path / "series.toml"))
    assert promises.of("greenlet", "3.2.4") == (
        Series(name="greenlet", last_change="2.0", last_addition="3.0"),
    )
