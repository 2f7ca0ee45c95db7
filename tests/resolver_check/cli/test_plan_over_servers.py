"""Plans over the servers that people have, with record packs and without."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click
import pytest

from backend_shim.embed import embed
from resolver_check.cli.publish_command import publish_command
from tests.resolver_check.cli.conftest import NEW, Run
from tests.resolver_check.cli.test_publish_command import planned
from tests.resolver_check.conftest import Factory
from tests.support.real_server import devpi, http_server, nginx, pypiserver

BUMP = ("--bump", "numpy==2.0.2", *NEW, "--format", "json", "--versions", "all")


@pytest.fixture
def wheels(make: Factory) -> Path:
    """Two consumers with records, two without, and the provider."""
    make.numpy_1()
    make.numpy_2()
    for wheel in (make.for_both("both"), make.pure("plain", requires=["numpy"])):
        embed(wheel, build_inputs=None, looked_for=("numpy",))
    make.for_numpy_1("old")
    make.extension("alone")
    return make.directory


@pytest.fixture
def site(wheels: Path, run: Run, tmp_path: Path) -> Path:
    """The same, published with packs."""
    assert run("publish", wheels, "--to", tmp_path / "site", "--packs").status == 0
    return tmp_path / "site"


def check(run: Run, wheels: Path, index: str, *records: object) -> None:
    """The plan over `index` is that over the directory, beside the records and without them."""
    whole = run("plan", "--source", wheels, *BUMP)
    assert whole.status == 1
    # The one with records comes first: then the cache has no wheels.
    for options in (("--records", *records), ())[not records :]:
        made = run("plan", "--source", index, *options, *BUMP)
        assert (made.status, made.err) == (1, "")
        assert planned(made.out) == planned(whole.out)
        fetched = [path.name for path in Path(os.environ["WHEEL_ABI_CACHE"]).rglob("*.whl")]
        assert not (options and fetched)


def test_nginx_with_packs(run: Run, wheels: Path, site: Path, tmp_path: Path) -> None:
    with nginx(site, tmp_path / "nginx", _configuration()) as origin:
        index, records = f"{origin}/simple/", f"{origin}/records/"
        assert run("plan", "--source", index, "--records", records, *BUMP).status == 1
        asked = _asked((tmp_path / "nginx" / "access.log").read_text())
        check(run, wheels, index, records)
    assert any(each.endswith(".jsonl.gz") for each in asked)
    assert not any(each.endswith((".whl", ".abi.json", ".metadata")) for each in asked)


def test_nginx_with_sidecars(run: Run, wheels: Path, site: Path, tmp_path: Path) -> None:
    with nginx(site, tmp_path / "nginx", _configuration()) as origin:
        check(run, wheels, f"{origin}/simple/")
        asked = _asked((tmp_path / "nginx" / "access.log").read_text())
    # Which of these there are is said by the JSON pages alone.
    assert {"both.abi.json", "plain.abi.json", "plain.metadata", "alone.whl"} <= asked
    assert not asked & {"alone.abi.json", "both.whl", "plain.whl"}


def test_http_server_which_speaks_html_and_knows_no_ranges(
    run: Run, wheels: Path, site: Path
) -> None:
    with http_server(site) as origin:
        check(run, wheels, f"{origin}/simple/", f"{origin}/records/")


def test_pypiserver_with_packs_on_another_server(run: Run, wheels: Path, site: Path) -> None:
    with pypiserver(wheels) as index, http_server(site) as host:
        check(run, wheels, f"{index}/simple/", f"{host}/records")


@pytest.mark.end_to_end
def test_devpi_with_packs_on_another_server(
    run: Run, wheels: Path, site: Path, tmp_path: Path
) -> None:
    with devpi(wheels, tmp_path / "devpi") as index, http_server(site) as host:
        check(run, wheels, index, f"{host}/records")


def _configuration() -> str:
    """What `publish --help` says of nginx."""
    context = click.Context(publish_command, terminal_width=100)
    lines = publish_command.get_help(context).splitlines()
    first = next(at for at, line in enumerate(lines) if line.strip().startswith("map "))
    return "\n".join(lines[first : lines.index("", first)])


def _asked(log: str) -> set[str]:
    """The files that were asked for, without what stands between name and suffix."""
    names = {path.rpartition("/")[2] for path in re.findall(r'"GET (\S+) HTTP', log)}
    return {re.sub(r"-.*?(\.whl)(\.\w[\w.]*)?$", lambda m: m[2] or m[1], name) for name in names}
