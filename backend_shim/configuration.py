"""What is asked of the shim: `[tool.wheel-abi]` and the config settings `wheel-abi.*`."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Final

from backend_shim.capture.redaction import is_secret_name
from backend_shim.errors import ConfigurationError
from backend_shim.record.series import Series, is_release, is_series_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE: Final = "[tool.wheel-abi]"
SETTING_PREFIX: Final = "wheel-abi."
PATCHES_VARIABLE: Final = "WHEEL_ABI_PATCHES"

_FLAGS: Final = ("commands", "import-modules", "sbom", "strict", "system-files")
_KEYS: Final = (
    "build-backend", "backend-path", "env", "patches", "propose-bounds", "provides", "types-from",
    *_FLAGS,
)  # fmt: skip
_SERIES_KEYS: Final = ("last-change", "last-addition")
_SETTINGS: Final = ("patches", *_FLAGS)
_TRUTH: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_REPORT: Final = "report"
_WRITE: Final = "write"
_BACKEND = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*(\.[^\W\d]\w*)*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """How the shim is to build one project."""

    build_backend: str
    """The real backend, `module` or `module:object` as in PEP 517."""
    backend_path: tuple[str, ...] = ()
    """Directories in the tree that the real backend lies in."""
    strict: bool = False
    """Whether a record that cannot be made fails the build."""
    patches: tuple[str, ...] = ()
    """Files, relative to the source tree or absolute, in the order of their application."""
    env: tuple[str, ...] = ()
    """Further environment variables that may be recorded."""
    types_from: tuple[str, ...] = ()
    """Directories, relative to the source tree or absolute, in which the build leaves copies of
    the libraries that are not stripped."""
    import_modules: bool = False
    """Whether modules that others `cimport` from are imported after the build, for exact facts."""
    commands: bool = False
    """Whether the compile commands are recorded, for which wrappers are put on PATH."""
    system_files: bool = False
    """Whether it is recorded which packages of the system the headers that were read belong to."""
    sbom: bool = False
    """Whether the build inputs are written as CycloneDX, too, into `.dist-info/sboms/`."""
    series: tuple[Series, ...] = ()
    """What the project promises of its own interfaces: `[tool.wheel-abi.provides]`."""
    reports_bounds: bool = False
    """Whether the log of the build says which bounds on providers follow from it."""
    writes_bounds: bool = False
    """Whether METADATA is narrowed by them, so that it is known only once the wheel is built."""
    dynamic: frozenset[str] = frozenset()
    """`project.dynamic`."""
    shim_path: tuple[str, ...] = ()
    """`build-system.backend-path`: where an in-tree copy of the shim lies."""
    requires: tuple[str, ...] = ()
    """`build-system.requires`."""
    name: str | None = None
    """`project.name`."""
    version: str | None = None
    """`project.version`; None where the backend works it out."""


def read_configuration(source: Path) -> Configuration:
    """The configuration in the `pyproject.toml` of the tree `source`. Raises ConfigurationError."""
    document = _read_toml(source / "pyproject.toml")
    table = _table(_table(document, "tool"), "wheel-abi")
    _refuse_unknown(table, _KEYS, TABLE)
    build_system, project = _table(document, "build-system"), _table(document, "project")
    flags: dict[str, Any] = {_field(key): _flag(table, key) for key in _FLAGS}
    dynamic = frozenset(_strings(project, "dynamic", "[project]"))
    bounds = _propose_bounds(table, dynamic)
    return Configuration(
        build_backend=_build_backend(table),
        backend_path=_backend_path(table, source),
        **flags,
        patches=_strings(table, "patches", TABLE),
        env=_env(table),
        types_from=_strings(table, "types-from", TABLE),
        series=tuple(_series(*each) for each in _table(table, "provides").items()),
        reports_bounds=bounds is not None,
        writes_bounds=bounds == _WRITE,
        dynamic=dynamic,
        shim_path=_strings(build_system, "backend-path", "[build-system]"),
        requires=_strings(build_system, "requires", "[build-system]"),
        name=_text(project, "name"),
        version=_text(project, "version"),
    )


def without_own_settings(
    config_settings: Mapping[str, Any] | None,
) -> Mapping[str, Any] | None:
    """`config_settings` for the real backend: the same object where none of them is ours."""
    if config_settings is None or not any(_is_own(key) for key in config_settings):
        return config_settings
    return {key: value for key, value in config_settings.items() if not _is_own(key)}


def configured(
    configuration: Configuration,
    config_settings: Mapping[str, Any] | None,
    environ: Mapping[str, str],
) -> Configuration:
    """`configuration` as our own settings and WHEEL_ABI_PATCHES change it.

    Patches add up: of the project, the variable, the settings. Raises ConfigurationError.
    """
    own = {
        key.removeprefix(SETTING_PREFIX): value
        for key, value in (config_settings or {}).items()
        if _is_own(key)
    }
    _refuse_unknown(own, _SETTINGS, "config_settings", prefix=SETTING_PREFIX)
    patches = [*configuration.patches, *_split_paths(environ.get(PATCHES_VARIABLE, ""))]
    for value in _as_list(own.get("patches", [])):
        patches += _split_paths(value)
    flags: dict[str, Any] = {
        _field(key): _truth(own, key, getattr(configuration, _field(key))) for key in _FLAGS
    }
    return replace(configuration, patches=tuple(patches), **flags)


def _field(flag: str) -> str:
    return flag.replace("-", "_")


def _is_own(key: object) -> bool:
    return isinstance(key, str) and key.startswith(SETTING_PREFIX)


def _read_toml(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            document: Mapping[str, Any] = tomllib.load(file)
            return document
    except FileNotFoundError:
        raise ConfigurationError("pyproject.toml", f"there is none in {path.parent}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError("pyproject.toml", str(error)) from error


def _table(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = parent.get(key, {})
    if not isinstance(table, Mapping):
        raise ConfigurationError("pyproject.toml", f"{key} must be a table")
    return table


def _strings(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ConfigurationError(f"{where} {key}", "must be a list of strings")
    return tuple(value)


def _text(table: Mapping[str, Any], key: str) -> str | None:
    """The text at `key`; of anything else the backend will complain."""
    value = table.get(key)
    return value if isinstance(value, str) else None


def _refuse_unknown(
    keys: Collection[str], known: Sequence[str], where: str, *, prefix: str = ""
) -> None:
    for key in keys:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known are {', '.join(known)}"
            raise ConfigurationError(where, f"unknown key {prefix}{key}: {hint}")


def _build_backend(table: Mapping[str, Any]) -> str:
    value = table.get("build-backend")
    if value is None:
        raise ConfigurationError(
            TABLE, 'build-backend is missing: name the real backend, such as "hatchling.build"'
        )
    if not isinstance(value, str) or not _BACKEND.fullmatch(value):
        raise ConfigurationError(f"{TABLE} build-backend", "must be `module` or `module:object`")
    return value


def _backend_path(table: Mapping[str, Any], source: Path) -> tuple[str, ...]:
    """PEP 517: "must refer to a location within the source tree (after … symbolic links …)"."""
    paths = _strings(table, "backend-path", TABLE)
    tree = os.path.realpath(source)
    for path in paths:
        place = os.path.realpath(source / path)
        if PurePath(path).is_absolute() or not PurePath(place).is_relative_to(tree):
            raise ConfigurationError(
                f"{TABLE} backend-path", f"{path!r} does not lie in the source tree"
            )
        if not Path(place).is_dir():
            raise ConfigurationError(f"{TABLE} backend-path", f"{path!r} is not a directory")
    return paths


def _flag(table: Mapping[str, Any], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise ConfigurationError(f"{TABLE} {key}", "must be true or false")
    return value


def _propose_bounds(table: Mapping[str, Any], dynamic: frozenset[str]) -> str | None:
    """What is to be done with bounds; None: nothing.

    Core metadata: what is not declared dynamic is the same in every wheel (PEP 621, PEP 643).
    """
    value, where = table.get("propose-bounds"), f"{TABLE} propose-bounds"
    if value not in (None, _REPORT, _WRITE):
        raise ConfigurationError(where, f'must be "{_REPORT}" or "{_WRITE}"')
    if value == _WRITE and "dependencies" not in dynamic:
        raise ConfigurationError(
            where, f'"{_WRITE}" changes Requires-Dist, so project.dynamic must list "dependencies"'
        )
    return value if isinstance(value, str) else None


def _env(table: Mapping[str, Any]) -> tuple[str, ...]:
    names = _strings(table, "env", TABLE)
    for name in names:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ConfigurationError(
                f"{TABLE} env", f"{name!r} is not the name of a variable; there are no patterns"
            )
        if is_secret_name(name):
            raise ConfigurationError(
                f"{TABLE} env", f"{name} looks like the name of a secret and is never recorded"
            )
    return names


def _series(name: str, numbers: object) -> Series:
    where = f"{TABLE} provides.{name}"
    if not is_series_name(name):
        raise ConfigurationError(
            where, "must be the dotted name of a module or capsule, or a way of binding"
        )
    if not isinstance(numbers, Mapping):
        raise ConfigurationError(where, f"must be a table with {' and '.join(_SERIES_KEYS)}")
    _refuse_unknown(numbers, _SERIES_KEYS, where)
    change, addition = (_release(numbers, key, where) for key in _SERIES_KEYS)
    return Series(name=name, last_change=change, last_addition=addition)


def _release(numbers: Mapping[str, Any], key: str, where: str) -> str:
    value = numbers.get(key)
    if not isinstance(value, str) or not is_release(value):
        raise ConfigurationError(f"{where} {key}", 'must be a release in quotes, such as "1.0"')
    return value


def _truth(settings: Mapping[str, object], key: str, otherwise: bool) -> bool:
    value = settings.get(key, otherwise)
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUTH:
        return _TRUTH[value.lower()]
    raise ConfigurationError(f"config setting {SETTING_PREFIX}{key}", "must be true or false")


def _as_list(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    texts = [each for each in values if isinstance(each, str)]
    if len(texts) != len(values):
        raise ConfigurationError(f"config setting {SETTING_PREFIX}patches", "must be text")
    return texts


def _split_paths(text: str) -> list[str]:
    return [path for path in text.split(os.pathsep) if path]
