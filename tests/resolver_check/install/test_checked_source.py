"""The seam for other users of `installer`: what does not fit is not written."""

from __future__ import annotations

import inspect
import pickle
import sysconfig
import textwrap
from pathlib import Path

import installer
import pytest
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile

from resolver_check.compare.interpreter import Python
from resolver_check.errors import DoesNotFit
from resolver_check.install import CheckedSource
from resolver_check.model import Verdict
from tests.resolver_check.conftest import Factory


@pytest.fixture
def destination(tmp_path: Path) -> SchemeDictionaryDestination:
    paths = {name: str(tmp_path / "there" / name) for name in sysconfig.get_path_names()}
    paths |= {"headers": str(tmp_path / "there" / "headers"), "platlib": paths["purelib"]}
    return SchemeDictionaryDestination(paths, interpreter="/python", script_kind="posix")


@pytest.fixture
def site_packages(destination: SchemeDictionaryDestination) -> Path:
    return Path(destination.scheme_dict["purelib"])


def install(
    wheel: Path, destination: SchemeDictionaryDestination, **checked: object
) -> CheckedSource:
    site_packages = Path(destination.scheme_dict["purelib"])
    with WheelFile.open(wheel) as source:
        around = CheckedSource(source, wheel, [site_packages], **checked)  # type: ignore[arg-type]
        installer.install(around, destination, {})
        return around


def put(wheel: Path, destination: SchemeDictionaryDestination) -> None:
    with WheelFile.open(wheel) as source:
        installer.install(source, destination, {})


def files(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*")}


def test_the_example_refuses_what_does_not_fit(
    make: Factory, destination: SchemeDictionaryDestination, site_packages: Path
) -> None:
    put(make.numpy_2(), destination)
    before = files(site_packages)
    example = textwrap.dedent(inspect.getdoc(CheckedSource).partition("DoesNotFit:\n")[2])  # type: ignore[union-attr]
    names = {"site_packages": site_packages, "destination": destination}
    with pytest.raises(DoesNotFit, match=r"^taker-1\.0-.*\.whl does not fit: .* NumPy ABI 1"):
        exec(example, {**names, "wheel": make.for_numpy_1("taker")})
    assert files(site_packages) == before
    exec(example, {**names, "wheel": make.for_both("both")})
    assert "both/__init__.py" in files(site_packages)


def test_entry_points_are_not_written_either(
    make: Factory, destination: SchemeDictionaryDestination
) -> None:
    put(make.numpy_2(), destination)
    wheel = make.extension(
        "taker", strings=("numpy.core._multiarray_umath", "_ARRAY_API", "this NumPy (NumPy 1.19)"),
        files={"taker-1.0.dist-info/entry_points.txt": b"[console_scripts]\nt = taker:f\n"},
    )  # fmt: skip
    with pytest.raises(DoesNotFit):
        install(wheel, destination)
    assert not Path(destination.scheme_dict["scripts"]).exists()


def test_what_is_not_known_to_fit_is_refused_on_request(
    make: Factory, destination: SchemeDictionaryDestination, site_packages: Path
) -> None:
    site_packages.mkdir(parents=True)
    wheel = make.extension("taker")
    python = Python(version="3.11.7")
    strictly = frozenset({Verdict.INVALID, Verdict.UNKNOWN})
    with pytest.raises(DoesNotFit, match="no record says"):
        install(wheel, destination, python=python, refused=strictly)
    assert files(site_packages) == set()
    assert install(wheel, destination, python=python).findings.verdict is Verdict.UNKNOWN


def test_wheels_that_come_with_it_count(
    make: Factory, destination: SchemeDictionaryDestination, site_packages: Path
) -> None:
    put(make.numpy_1(), destination)
    with pytest.raises(DoesNotFit):
        install(make.for_numpy_1("taker"), destination, beside=[make.numpy_2()])
    install(make.for_numpy_1("taker"), destination)
    assert "taker/__init__.py" in files(site_packages)


def test_names_and_validation_are_those_of_the_source(
    make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make.pure("plain")
    with WheelFile.open(wheel) as source:
        around = CheckedSource(source, wheel, [])
        around.validate_record()
        around.validate_record(validate_contents=False)  # As `python -m installer` calls it.
        assert (around.distribution, around.version) == ("plain", "1.0")
        assert around.dist_info_dir == source.dist_info_dir
        monkeypatch.setattr(WheelFile, "data_dir", "of the source")
        assert around.data_dir == "of the source"
        assert around.dist_info_filenames == source.dist_info_filenames
        assert around.read_dist_info("WHEEL") == source.read_dist_info("WHEEL")


def test_the_error_says_the_same_after_pickling() -> None:
    error = DoesNotFit("a.whl", "because")
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "a.whl does not fit: because"
