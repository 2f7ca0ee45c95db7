"""A plug-in in the checker: the one of examples/third_party_interface, right and broken."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from backend_shim.embed import embed
from backend_shim.interfaces import table
from resolver_check.check import Bump, judge
from resolver_check.model import EvidenceLevel, Judgement, Verdict
from tests.resolver_check.cli.conftest import Run, assert_refused
from tests.resolver_check.conftest import Open

EXAMPLE = Path(__file__).parents[3] / "examples" / "third_party_interface"
VALID, INVALID, UNKNOWN = Verdict


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def gifts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("gifts")
    try:
        _module(EXAMPLE / "make_wheels.py").main(directory)
    except FileNotFoundError:
        pytest.skip("no cc")
    return directory


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    site = tmp_path / "site"

    def lay_down(also: str = "") -> None:
        info = site / "wheel_abi_gift-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wheel-abi-gift\nVersion: 1.0")
        (info / "entry_points.txt").write_text("[wheel_abi.interfaces]\ngift = wheel_abi_gift\n")
        source = (EXAMPLE / "wheel_abi_gift.py").read_text()
        (site / "wheel_abi_gift.py").write_text(f"{source}\n{also}\n")
        monkeypatch.syspath_prepend(str(site))
        table._plugged_in.cache_clear()

    yield lay_down
    table._plugged_in.cache_clear()
    sys.modules.pop("wheel_abi_gift", None)


@pytest.fixture
def ask(gifts: Path, open_subject: Open):
    def to(version: str) -> Judgement:
        wheels = [
            next(gifts.glob(f"{name}*.whl")) for name in ("taker-", "gift-1.0", f"gift-{version}")
        ]
        consumer, old, new = map(open_subject, wheels)
        return judge(consumer, Bump(old, new), level=EvidenceLevel.PROMISED)

    return to


def _texts(judgement: Judgement) -> list[str | None]:
    return [reason.sentence() for reason in judgement.decisive]


def test_without_it_the_name_in_the_binary_stays_open(ask) -> None:
    assert ask("1.1").verdict is UNKNOWN
    assert ask("2.0").verdict is UNKNOWN


def test_with_it_both_bumps_are_decided_in_its_own_words(install, ask) -> None:
    install()
    right, wrong = ask("1.1"), ask("2.0")
    assert (right.verdict, wrong.verdict) == (VALID, INVALID)
    assert _texts(right) == ["it was compiled for version 1 of gift's ABI, which the new gift has"]
    assert _texts(wrong) == ["it was compiled for version 1 of gift's ABI, the new one is 2"]


def test_a_record_written_without_it_is_read_anew(install, ask, gifts: Path) -> None:
    """Else what it explains of the names in the record would be left to nobody."""
    taker = next(gifts.glob("taker-*.whl"))
    before = taker.read_bytes()
    try:
        embed(taker, build_inputs=None, looked_for=("gift",))
        assert ask("2.0").verdict is UNKNOWN
        install()
        judgement = ask("2.0")
        assert judgement.verdict is INVALID
        assert "derived" in {reason.kind for _, reason in judgement.reasons}
        embed(taker, build_inputs=None, looked_for=("gift",))
        assert ask("1.1").verdict is VALID
    finally:
        taker.write_bytes(before)


def test_a_record_of_it_is_unknown_where_it_is_not_installed(install, ask, gifts: Path) -> None:
    taker = next(gifts.glob("taker-*.whl"))
    before = taker.read_bytes()
    try:
        install()
        embed(taker, build_inputs=None, looked_for=("gift",))
        sys.path[:] = [each for each in sys.path if not each.endswith("/site")]
        table._plugged_in.cache_clear()
        judgement = ask("1.1")
        assert judgement.verdict is UNKNOWN
        assert "interface-unknown" in {reason.kind for _, reason in judgement.reasons}
    finally:
        taker.write_bytes(before)


@pytest.mark.parametrize(
    "broken",
    [
        "def is_satisfied(*_): raise ValueError('boom')",
        "def is_satisfied(*_): return None",
        "def _judge(*_): return 'fine'",
        "def read_object(_): raise ValueError('boom')",
    ],
)
def test_one_that_fails_leaves_the_verdict_unknown(install, ask, broken: str) -> None:
    install(broken)
    judgement = ask("1.1")
    assert judgement.verdict is UNKNOWN
    kinds = {reason.kind for _, reason in judgement.reasons}
    assert kinds & {"plug-in-failed", "unread-binary"}


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (
            "raise ImportError('boom')",
            "gift (wheel_abi_gift of wheel-abi-gift 1.0): cannot be loaded",
        ),
        ("NAME = 'linking'", "the name 'linking' is taken already"),
        ("def provides(_): raise ValueError('boom')", "provides failed: ValueError: boom"),
    ],
)
def test_one_that_cannot_be_used_ends_the_command(
    install, gifts: Path, run: Run, broken: str, message: str
) -> None:
    install(broken)
    taker, old, new = (
        next(gifts.glob(f"{name}*.whl")) for name in ("taker-", "gift-1.0", "gift-1.1")
    )
    assert message in assert_refused(run("judge", taker, "--old", old, "--new", new))
