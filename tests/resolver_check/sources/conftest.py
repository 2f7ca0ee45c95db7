"""Wheels to serve and patience that suits loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from resolver_check.sources.patience import Patience
from resolver_check.sources.simple_index import SimpleIndex
from resolver_check.sources.wheel_cache import WheelCache
from tests.support.served_index import Manners, ServedIndex, write_wheel

QUICK = Patience(connect=2, silence=2, deadline=10, backoff=0.01)

Serve = Callable[..., ServedIndex]
Connect = Callable[..., SimpleIndex]


@pytest.fixture(autouse=True)
def _no_surroundings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Not the cache, nor off the network the proxies and netrc, of whoever runs the tests."""
    monkeypatch.setenv("WHEEL_ABI_CACHE", str(tmp_path / "cache-of-user"))
    if request.node.get_closest_marker("network") is None:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two projects, three wheels, one of them of 6 MB, and an sdist; only to be read."""
    directory = tmp_path_factory.mktemp("wheels")
    write_wheel(directory, "alpha-1.10-py3-none-any.whl")
    write_wheel(directory, "alpha-1.9-py3-none-any.whl")
    write_wheel(
        directory,
        "big_one-2.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        ballast=6_000_000,
        extra={"big_one/first.txt": b"first"},
    )
    (directory / "alpha-1.10.tar.gz").write_bytes(b"an sdist")
    return directory


@pytest.fixture
def serve(wheels: Path) -> Iterator[Serve]:
    """Starts an index with the given Manners over `wheels`."""
    with ExitStack() as stack:

        def start(**manners: object) -> ServedIndex:
            return stack.enter_context(ServedIndex(wheels, Manners(**manners)))  # type: ignore[arg-type]

        yield start


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """Opens a served index, or a URL, as a source with a cache of its own."""
    with ExitStack() as stack:

        def start(where: ServedIndex | str, limit: int = 10**9) -> SimpleIndex:
            url = where if isinstance(where, str) else where.url
            cache = WheelCache(tmp_path / "cache", limit)
            source = SimpleIndex(url, cache=cache, patience=QUICK)
            stack.callback(source.close)
            return source

        yield start
