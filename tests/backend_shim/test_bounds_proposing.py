"""Bounds that follow from a build are said in its log, or written into METADATA."""

from __future__ import annotations

import base64
import zipfile
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

import pytest

from backend_shim import hooks
from backend_shim.errors import ConfigurationError
from backend_shim.record.names import BUILD_INPUTS, FINGERPRINT
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.manifest import verify_manifest
from tests.backend_shim.conftest import MakeProject
from tests.support.binding_factory import ASKS, TAG, compiled

# As NumPy's headers leave it: the modules that are tried, the capsule, the release targeted.
STRINGS = (
    *("numpy._core._multiarray_umath", "numpy.core._multiarray_umath", "_ARRAY_API"),
    "this NumPy (NumPy 1.23) here",
)
BACKEND = """
import base64
from pathlib import Path
from tests.support.wheel_factory import make_wheel

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    module = base64.b64decode({module!r})
    files = {{"demo/_demo.cpython-311-x86_64-linux-gnu.so": module, "demo/__init__.py": b""}}
    return make_wheel(
        Path(wheel_directory), tag={tag!r}, files=files, requires={requires!r}
    ).name

def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    return "demo-1.0.dist-info"

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return build_wheel(wheel_directory)
"""
WRITE = 'propose-bounds = "write"'
DYNAMIC = 'dynamic = ["dependencies"]'
LINE = "wheel-abi: proposed Requires-Dist: numpy>=1.23 "


def backend(*requires: str) -> str:
    literals = "".join(f'case {at}: return "{text}";' for at, text in enumerate(STRINGS))
    source = f"const char *PyInit__demo(int n) {{ switch (n) {{ {literals} }} return 0; }} {ASKS}"
    module = base64.b64encode(compiled(source)).decode()
    return BACKEND.format(module=module, tag=TAG, requires=list(requires))


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return BytesParser().parsebytes(archive.read("demo-1.0.dist-info/METADATA"))


def members(wheel: Path) -> dict[str, bytes]:
    """All but what a build writes of itself, and what says so of it."""
    with zipfile.ZipFile(wheel) as archive:
        named = {Path(name).name: archive.read(name) for name in archive.namelist()}
    return {
        name: data
        for name, data in named.items()
        if name not in ("METADATA", "RECORD", BUILD_INPUTS)
    }


def test_nothing_is_said_unless_it_is_asked_for(
    make_project: MakeProject, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make_project(backend("numpy"))
    wheel = tmp_path / hooks.build_wheel(str(tmp_path))
    assert "proposed" not in capfd.readouterr().err
    assert metadata(wheel).get_all("Requires-Dist") == ["numpy"]


def test_a_report_says_the_line_and_leaves_metadata(
    make_project: MakeProject, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make_project(backend("numpy"), options='propose-bounds = "report"')
    wheel = tmp_path / hooks.build_wheel(str(tmp_path))
    assert LINE in capfd.readouterr().err
    assert metadata(wheel).get_all("Requires-Dist") == ["numpy"]
    assert hasattr(hooks, "prepare_metadata_for_build_wheel")


def test_written_bounds_change_metadata_and_nothing_else(
    make_project: MakeProject, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plain").mkdir()
    make_project(backend("six", "numpy>=1.19"), project=DYNAMIC)
    plain = tmp_path / "plain" / hooks.build_wheel(str(tmp_path / "plain"))
    make_project(backend("six", "numpy>=1.19"), project=DYNAMIC, options=WRITE)
    wheel = tmp_path / hooks.build_wheel(str(tmp_path))
    assert "METADATA of demo-1.0-" in capfd.readouterr().err
    assert metadata(wheel).get_all("Requires-Dist") == ["six", "numpy>=1.19", "numpy>=1.23"]
    assert members(wheel) == members(plain)
    assert FINGERPRINT in members(wheel)
    with WheelArchive.open(wheel) as archive:
        assert not list(verify_manifest(archive))


@pytest.mark.parametrize("requires", [("six",), ("numpy>=1.25",), ()])
def test_what_is_not_required_or_narrow_enough_stays_as_it_is(
    requires: tuple[str, ...], make_project: MakeProject, tmp_path: Path
) -> None:
    make_project(backend(*requires), project=DYNAMIC, options=WRITE)
    wheel = tmp_path / hooks.build_wheel(str(tmp_path))
    assert metadata(wheel).get_all("Requires-Dist", []) == [*requires]


def test_metadata_is_not_prepared_where_only_the_build_knows_it(make_project: MakeProject) -> None:
    make_project(backend("numpy"), project=DYNAMIC, options=WRITE)
    assert not hasattr(hooks, "prepare_metadata_for_build_wheel")
    assert hasattr(hooks, "build_wheel")


def test_metadata_that_the_front_end_has_already_is_kept(
    make_project: MakeProject, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make_project(backend("numpy"), project=DYNAMIC, options=WRITE)
    name = hooks.build_wheel(str(tmp_path), None, str(tmp_path))
    assert "the front end says what METADATA is to be" in capfd.readouterr().err
    assert metadata(tmp_path / name).get_all("Requires-Dist") == ["numpy"]
    with pytest.raises(ConfigurationError, match="propose-bounds"):
        hooks.build_wheel(str(tmp_path), {"wheel-abi.strict": "1"}, str(tmp_path))


def test_an_editable_wheel_stays_as_it_is(make_project: MakeProject, tmp_path: Path) -> None:
    make_project(backend("numpy"), project=DYNAMIC, options=WRITE)
    wheel = tmp_path / hooks.build_editable(str(tmp_path))
    assert metadata(wheel).get_all("Requires-Dist") == ["numpy"]


@pytest.mark.parametrize(
    ("package_info", "is_written"),
    [
        ("Metadata-Version: 2.2\nName: demo\nDynamic: Requires-Dist\n", True),
        ("Metadata-Version: 2.4\nName: demo\nDynamic: License\nDynamic: requires-dist\n", True),
        ("Metadata-Version: 2.1\nName: demo\n", True),
        ("Metadata-Version: 2.2\nName: demo\n", False),
        ("Metadata-Version: 2.2\nName: demo\nDynamic: License\n\nDynamic: Requires-Dist\n", False),
    ],
)
def test_an_sdist_that_fixes_what_wheels_require_is_obeyed(
    package_info: str,
    is_written: bool,
    make_project: MakeProject,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    source = make_project(backend("numpy"), project=DYNAMIC, options=WRITE)
    (source / "PKG-INFO").write_text(package_info)
    wheel = tmp_path / hooks.build_wheel(str(tmp_path))
    found = metadata(wheel).get_all("Requires-Dist")
    assert found == (["numpy", "numpy>=1.23"] if is_written else ["numpy"])
    assert ("does not mark Requires-Dist as Dynamic" in capfd.readouterr().err) != is_written


@pytest.mark.parametrize("dynamic", ["", 'dynamic = ["version"]', 'dependencies = ["numpy"]'])
def test_bounds_are_written_only_where_dependencies_are_dynamic(
    dynamic: str, make_project: MakeProject, tmp_path: Path
) -> None:
    make_project(backend("numpy"), project=dynamic, options=WRITE)
    with pytest.raises(ConfigurationError, match=r"propose-bounds.*project\.dynamic"):
        hooks.build_wheel(str(tmp_path))


@pytest.mark.parametrize("value", ['"yes"', "true", "[]", "1"])
def test_bounds_are_reported_or_written_and_nothing_else(
    value: str, make_project: MakeProject, tmp_path: Path
) -> None:
    make_project(backend("numpy"), options=f"propose-bounds = {value}")
    with pytest.raises(ConfigurationError, match='must be "report" or "write"'):
        hooks.build_wheel(str(tmp_path))
