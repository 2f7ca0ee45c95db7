"""What fromager loads of the checker: `abi-plan` and the hook for build tags."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from packaging.requirements import Requirement
from packaging.version import Version

from backend_shim.errors import InvalidRecord
from resolver_check.cli.scan_command import scan_command
from resolver_check.fromager import VARIABLE, abi_plan, build_tag_hook
from tests.resolver_check.conftest import Factory

SEGMENT = "abi001.0123abcd"
NEW = ("--python", "3.11", "--platform", "manylinux_2_28_x86_64")


@dataclass(frozen=True, slots=True, kw_only=True)
class Farm:
    """The directories of fromager's `WorkContext`."""

    work_dir: Path
    wheels_downloads: Path
    wheels_prebuilt: Path


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Farm:
    monkeypatch.delenv(VARIABLE, raising=False)
    places = {name: tmp_path / name for name in Farm.__slots__}
    for place in places.values():
        place.mkdir()
    return Farm(**places)


def write_tags(path: Path) -> None:
    tags = {"schema_version": "0.1", "segments": {"under-score==1.0": SEGMENT}}
    path.write_text(json.dumps(tags))


def hook(farm: Farm, name: str = "under-score", version: str = "1.0") -> list[str]:
    return build_tag_hook(
        ctx=farm, req=Requirement(name), version=Version(version), wheel_tags=frozenset()
    )


def test_the_hook_gives_the_segment_of_the_last_plan_of_the_run(farm: Farm) -> None:
    assert hook(farm) == []
    write_tags(farm.work_dir / "build-tags.json")
    assert hook(farm) == [SEGMENT]
    assert hook(farm, "Under_Score[extra]>=1") == [SEGMENT]
    assert hook(farm, version="1.0.1") == []


def test_the_hook_reads_the_file_that_the_farm_names(
    farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "tags.json"))
    with pytest.raises(FileNotFoundError):
        hook(farm)
    write_tags(tmp_path / "tags.json")
    assert hook(farm) == [SEGMENT]


def test_the_hook_fails_rather_than_let_an_outdated_wheel_be_reused(farm: Farm) -> None:
    (farm.work_dir / "build-tags.json").write_text("{")
    with pytest.raises(InvalidRecord):
        hook(farm)


def abi_plan_of(farm: Farm, *arguments: object) -> Result:
    return CliRunner().invoke(abi_plan, [*map(str, arguments)], obj=farm)


@pytest.fixture
def wheels(farm: Farm, make: Factory) -> Farm:
    """NumPy was downloaded, its consumer built."""
    for path in (make.numpy_1(), make.numpy_2()):
        path.rename(farm.wheels_prebuilt / path.name)
    taker = make.for_numpy_1("taker")
    taker.rename(farm.wheels_downloads / taker.name)
    entries = [{"dist": "numpy", "version": "2.0.2"}, {"dist": "taker", "version": "1.0"}]
    (farm.work_dir / "build-order.json").write_text(json.dumps(entries))
    return farm


def test_the_plan_is_of_the_wheels_and_the_order_of_the_run(wheels: Farm) -> None:
    ran = abi_plan_of(wheels, "--bump", "numpy==2.0.2", *NEW)
    assert (ran.exit_code, "invalid     taker-1.0" in ran.output) == (0, True), ran.output
    rebuild = json.loads((wheels.work_dir / "rebuild-order.json").read_bytes())
    assert [each["dist"] for each in rebuild] == ["taker"]
    assert hook(wheels, "taker")[0].startswith("abi001.")


def test_a_catalog_is_a_source_of_its_own(wheels: Farm, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.sqlite"
    scanned = CliRunner().invoke(
        scan_command, [f"{wheels.wheels_prebuilt}", f"--catalog={catalog}"]
    )
    assert scanned.exit_code == 0, scanned.output
    ran = abi_plan_of(wheels, "--catalog", catalog, "--bump", "numpy==2.0.2", *NEW)
    assert ran.exit_code == 0, ran.output
    rebuild = json.loads((wheels.work_dir / "rebuild-order.json").read_bytes())
    assert [each["dist"] for each in rebuild] == ["taker"]  # the catalog does not know it


def test_what_is_given_counts_instead(wheels: Farm, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.json"
    (wheels.work_dir / "build-order.json").rename(elsewhere)
    asked = ("--bump", "numpy==2.0.2", "--format", "json", *NEW)
    ran = abi_plan_of(
        wheels, f"--source={wheels.wheels_prebuilt}", "--build-order", elsewhere, *asked
    )
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.output)["wheels"] == []
    assert len(json.loads((tmp_path / "rebuild-order.json").read_bytes())) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--bump", "stranger==1"), "the source has no project stranger"),
        (("--bumb", "numpy==2.0.2"), "No such option"),
        (("--source", "/nowhere", "--bump", "numpy==2.0.2"), "/nowhere"),
    ],
)
def test_a_failure_is_said_as_fromager_says_it(
    wheels: Farm, arguments: tuple[str, ...], said: str
) -> None:
    ran = abi_plan_of(wheels, *arguments)
    assert ran.exit_code != 0
    assert isinstance(ran.exception, SystemExit)
    assert said in ran.output


def test_help_is_that_of_plan_under_the_name_it_is_called_by(farm: Farm) -> None:
    ran = abi_plan_of(farm, "--help")
    assert ran.output.startswith("Usage: fromager abi-plan [OPTIONS]")
    assert "--strict-build-requirements" in ran.output


def test_a_missing_extra_is_named_and_fromager_goes_on(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resolver_check.cli.plan_command", None)
    ran = abi_plan_of(farm, "--bump", "numpy==2.0.2")
    assert (ran.exit_code, "install wheel-abi[check]" in ran.output) == (1, True)


def test_fromager_starts_where_the_extra_is_not_installed() -> None:
    """A plug-in that cannot be loaded ends fromager; it has click and packaging itself."""
    program = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name.partition('.')[0] not in allowed: raise ImportError(name)\n"
        "allowed = {*sys.stdlib_module_names, 'backend_shim', 'resolver_check', 'click',"
        " 'packaging', 'tomli', 'typing_extensions', 'colorama'}\n"
        "sys.meta_path.insert(0, Missing())\n"
        "import resolver_check.fromager, backend_shim.fromager\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)


def test_the_entry_points_name_what_is_there() -> None:
    assert isinstance(abi_plan, click.Command)
    assert abi_plan.name == "abi-plan"
    assert "resolver-check plan" in (abi_plan.help or "")
