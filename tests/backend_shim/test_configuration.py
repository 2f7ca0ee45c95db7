"""`[tool.wheel-abi]` is read whole or refused with the place of the fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend_shim.configuration import (
    Configuration,
    configured,
    read_configuration,
    without_own_settings,
)
from backend_shim.errors import ConfigurationError
from backend_shim.record.series import Series


def read(tmp_path: Path, table: str, rest: str = "") -> Configuration:
    (tmp_path / "pyproject.toml").write_text(f"{rest}\n[tool.wheel-abi]\n{table}\n")
    return read_configuration(tmp_path)


def test_every_key_is_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    assert read(
        tmp_path,
        'build-backend = "a.b:c"\nbackend-path = ["in"]\nstrict = true\n'
        'patches = ["1"]\nenv = ["FLAG"]\nimport-modules = true\n'
        "commands = true\nsystem-files = true\n"
        '[tool.wheel-abi.provides."demo._C_API"]\nlast-change = "1.0"\nlast-addition = "3.1rc1"',
        '[project]\ndynamic = ["version"]\n[build-system]\nbackend-path = ["_x"]',
    ) == Configuration(
        build_backend="a.b:c",
        backend_path=("in",),
        strict=True,
        patches=("1",),
        env=("FLAG",),
        import_modules=True,
        commands=True,
        system_files=True,
        series=(Series(name="demo._C_API", last_change="1.0", last_addition="3.1rc1"),),
        dynamic=frozenset({"version"}),
        shim_path=("_x",),
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "build-backend is missing"),
        ("build-backend = 1", "must be `module`"),
        ('build-backend = "a b"', "must be `module`"),
        ('build-backend = "../x"', "must be `module`"),
        ('build-backend = "a"\nbuild-bakend = "b"', "build-bakend: did you mean build-backend?"),
        ('build-backend = "a"\nzzz = 1', "unknown key zzz: known are build-backend"),
        ('build-backend = "a"\nstrict = "yes"', "strict: must be true or false"),
        ('build-backend = "a"\nimport-modules = 1', "import-modules: must be true or false"),
        ('build-backend = "a"\npatches = "x"', "patches: must be a list of strings"),
        ('build-backend = "a"\ntypes-from = "x"', "types-from: must be a list of strings"),
        ('build-backend = "a"\nbackend-path = [".."]', "does not lie in the source tree"),
        ('build-backend = "a"\nbackend-path = ["/etc"]', "does not lie in the source tree"),
        ('build-backend = "a"\nbackend-path = ["gone"]', "is not a directory"),
        ('build-backend = "a"\nenv = ["MY_*"]', "there are no patterns"),
        ('build-backend = "a"\nenv = ["UPLOAD_TOKEN"]', "looks like the name of a secret"),
        ('build-backend = "a"\nprovides = 3', "provides must be a table"),
        ('build-backend = "a"\nprovides.a = 3', "provides.a: must be a table with last-change"),
        ('build-backend = "a"\nprovides."a/b" = {}', "provides.a/b: must be the dotted name"),
        ('build-backend = "a"\nprovides.a = {}', "provides.a last-change: must be a release"),
        (
            'build-backend = "a"\nprovides.a = {last-change = "1", last-adition = "1"}',
            "unknown key last-adition: did you mean last-addition?",
        ),
        (
            'build-backend = "a"\nprovides.a = {last-change = 1.0, last-addition = "1"}',
            "provides.a last-change: must be a release in quotes",
        ),
        ("[[", "pyproject.toml"),
    ],
)
def test_a_wrong_table_is_refused(table: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=message.replace("?", r"\?")):
        read(tmp_path, table)


def test_a_link_out_of_the_tree_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to(tmp_path)
    with pytest.raises(ConfigurationError, match="does not lie in"):
        read(tmp_path / "tree", 'build-backend = "a"\nbackend-path = ["link"]')


@pytest.mark.parametrize("content", [b"tool = 1", b"\xff", b"[project]\n[tool]\nwheel-abi = 3"])
def test_any_other_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(content)
    with pytest.raises(ConfigurationError):
        read_configuration(tmp_path)


@pytest.mark.parametrize("settings", [None, {}, {"x": "wheel-abi.y"}, {"wheel-abix": "1"}])
def test_settings_without_ours_are_passed_on_as_they_are(settings: dict[str, str] | None) -> None:
    assert without_own_settings(settings) is settings


def test_settings_override_the_table() -> None:
    base = Configuration(build_backend="a", strict=True, patches=("1",))
    assert configured(base, None, {}) == base
    assert not configured(base, {"wheel-abi.strict": "false"}, {}).strict
    assert configured(base, {"wheel-abi.import-modules": "true"}, {}).import_modules
    assert configured(base, {"wheel-abi.commands": "1"}, {}).commands
    assert configured(base, {"wheel-abi.system-files": "yes"}, {}).system_files
    own = {"wheel-abi.patches": ["3:4", "5"]}
    assert configured(base, own, {"WHEEL_ABI_PATCHES": "2"}).patches == ("1", "2", "3", "4", "5")


@pytest.mark.parametrize(
    "own",
    [
        {"strict": "maybe"},
        {"strict": ["1"]},
        {"import-modules": "x"},
        {"system-files": "2"},
        {"patches": [1]},
        {"build-backend": "x"},
    ],
)
def test_wrong_settings_are_refused(own: dict[str, object]) -> None:
    settings = {f"wheel-abi.{key}": value for key, value in own.items()}
    with pytest.raises(ConfigurationError):
        configured(Configuration(build_backend="a"), settings, {})
