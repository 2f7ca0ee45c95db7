"""The build backend itself: ``build-backend = "backend_shim.hooks"``.

The hooks of this module are exactly those of the wrapped backend (PEP 562 `__getattr__`). Only
`build_wheel` adds something, the records; and `build_sdist` the shim's own files, where the shim
lies in the tree and the backend left it out.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

# Everything is imported here and now: uv and gpep517 put a relative path on `sys.path`, and a
# backend that changes the working directory would make a later import fail.
from backend_shim.bounds_proposing import bounds_of, write_bounds
from backend_shim.capture.build import BeforeBuild, begin_capture, capture_build_inputs
from backend_shim.capture.observation import BuildObservation
from backend_shim.configuration import (
    TABLE,
    Configuration,
    configured,
    read_configuration,
    without_own_settings,
)
from backend_shim.embed import embed
from backend_shim.errors import ConfigurationError
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.vendoring import add_shim_to_sdist
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wrapped_backend import (
    HOOKS,
    UNSUPPORTED,
    WrappedBackend,
    load_wrapped_backend,
    process_restored,
)

_T = TypeVar("_T")
_PREPARE_METADATA = "prepare_metadata_for_build_wheel"


def __getattr__(name: str) -> Any:
    if name == UNSUPPORTED:
        return _wrapped_backend().unsupported_operation()
    if name in HOOKS:
        wrapped = _wrapped_backend()
        if name == _PREPARE_METADATA and wrapped.configuration.writes_bounds:
            # PEP 517: build_wheel "MUST produce a wheel with identical metadata", which is known
            # when the binaries are there. Without the hook front ends take it from the wheel.
            raise AttributeError(f"{name}: METADATA is known when the wheel is built")
        return _own_hook(name, wrapped, wrapped.hook(name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *HOOKS, UNSUPPORTED])


@functools.cache
def _load(source: Path) -> WrappedBackend:
    return load_wrapped_backend(source, read_configuration(source))


def _wrapped_backend() -> WrappedBackend:
    """PEP 517: "All hooks are run with working directory set to the root of the source tree"."""
    return _load(Path.cwd())


def _own_hook(name: str, wrapped: WrappedBackend, real: Callable[..., Any]) -> Callable[..., Any]:
    """The hook that the front end sees: `real` with its signature, around it what is ours."""

    @functools.wraps(real)
    def hook(*args: Any, **kwargs: Any) -> Any:
        settings = _config_settings(name, args, kwargs)
        configuration = configured(wrapped.configuration, settings, os.environ)
        args, kwargs = _without_own_settings(name, args, kwargs)
        with process_restored():
            if name == "build_wheel":
                return _build_wheel(wrapped, configuration, real, args, kwargs)
            if name == "build_sdist":
                return _build_sdist(wrapped, configuration, real, args, kwargs)
            return real(*args, **kwargs)

    return hook


def _config_settings(
    name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    position = HOOKS[name]
    settings: Mapping[str, Any] | None = (
        args[position] if len(args) > position else kwargs.get("config_settings")
    )
    return settings


def _without_own_settings(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments for the real hook, given in the same places as the front end gave them."""
    position = HOOKS[name]
    if len(args) > position:
        stripped = without_own_settings(args[position])
        return (*args[:position], stripped, *args[position + 1 :]), kwargs
    if "config_settings" in kwargs:
        stripped = without_own_settings(kwargs["config_settings"])
        return args, {**kwargs, "config_settings": stripped}
    return args, kwargs


def _build_wheel(
    wrapped: WrappedBackend,
    configuration: Configuration,
    real: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    directory = Path.cwd() / _output_directory(args, kwargs, "wheel_directory")
    settings = _config_settings("build_wheel", args, kwargs)
    before = _unless_it_fails(
        configuration,
        "the wheel is left without records",
        lambda: begin_capture(
            wrapped.source,
            patches=configuration.patches,
            also=configuration.env,
            config_settings=settings,
            outputs=[directory],
        ),
    )
    observation = None
    if before is not None:
        observation = _unless_it_fails(
            configuration,
            "it is not observed what the build reads",
            lambda: BuildObservation(
                wrapped.source,
                before.installed,
                settings,
                os.environ,
                with_system_files=configuration.system_files,
                with_commands=configuration.commands,
            ),
        )
    with process_restored(), observation or nullcontext():
        name = real(*args, **kwargs)
    if before is not None:
        build_inputs = _unless_it_fails(
            configuration,
            f"{name} is left without records",
            lambda: _embed_records(wrapped, configuration, before, observation, directory / name),
        )
        if build_inputs is not None and configuration.reports_bounds:
            _unless_it_fails(
                configuration,
                f"METADATA of {name} is left as it is",
                lambda: _propose_bounds(
                    wrapped, configuration, build_inputs, directory / name, _metadata(args, kwargs)
                ),
            )
    return name


def _propose_bounds(
    wrapped: WrappedBackend,
    configuration: Configuration,
    build_inputs: BuildInputs,
    wheel: Path,
    metadata_directory: object,
) -> None:
    bounds = bounds_of(wheel, build_inputs)
    for each in bounds:
        sys.stderr.write(f"wheel-abi: proposed Requires-Dist: {each.requirement} ({each.why})\n")
    if not configuration.writes_bounds:
        return
    if metadata_directory is not None:
        wrong = "the front end says what METADATA is to be, so it is not narrowed"
        raise ConfigurationError(f"{TABLE} propose-bounds", wrong)
    if write_bounds(wheel, bounds, wrapped.source):
        sys.stderr.write(f"wheel-abi: METADATA of {wheel.name} is narrowed by them\n")


def _metadata(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> object:
    """The `metadata_directory` of a call of `build_wheel`."""
    return args[2] if len(args) > 2 else kwargs.get("metadata_directory")


def _embed_records(
    wrapped: WrappedBackend,
    configuration: Configuration,
    before: BeforeBuild,
    observation: BuildObservation | None,
    wheel: Path,
) -> BuildInputs:
    with WheelArchive.open(wheel) as archive:
        build_inputs = capture_build_inputs(
            before,
            archive,
            backend_name=wrapped.configuration.build_backend,
            backend_module=wrapped.module,
            observation=observation,
        )
    wanted = [wrapped.source / each for each in wrapped.configuration.types_from]
    left_out = embed(
        wheel,
        build_inputs=build_inputs,
        looked_for=before.looked_for,
        series=wrapped.configuration.series,
        types_from=wanted,
        runs_modules=configuration.import_modules,
        with_sbom=configuration.sbom,
    )
    if wanted:
        _tell(configuration, "types-from", "no types are recorded of", left_out.types)
    _tell(configuration, "import-modules", "not imported:", left_out.modules)
    return build_inputs


def _tell(
    configuration: Configuration, key: str, what: str, missing: tuple[tuple[str, str], ...]
) -> None:
    """Say what is missing although the setting `key` asks for it; raise that if it is strict."""
    if not missing:
        return
    reasons = "; ".join(f"{each}: {why}" for each, why in missing)
    if configuration.strict:
        raise ConfigurationError(f"{TABLE} {key}", reasons)
    sys.stderr.write(f"wheel-abi: {what} {reasons}\n")


def _build_sdist(
    wrapped: WrappedBackend,
    configuration: Configuration,
    real: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    directory = Path.cwd() / _output_directory(args, kwargs, "sdist_directory")
    with process_restored():
        name = real(*args, **kwargs)
    _unless_it_fails(
        configuration,
        f"the shim cannot be added to {name}",
        lambda: add_shim_to_sdist(directory / name, wrapped.source, configuration.shim_path),
    )
    return name


def _output_directory(args: tuple[Any, ...], kwargs: Mapping[str, Any], keyword: str) -> str:
    directory: str = os.fspath(args[0] if args else kwargs[keyword])
    return directory


def _unless_it_fails(
    configuration: Configuration, consequence: str, step: Callable[[], _T]
) -> _T | None:
    """The result of `step`, which is ours and not the project's: unless strict, it may only warn.

    A line on stderr and no `warnings.warn`, which `-W error` would turn into a failed build.
    """
    try:
        return step()
    except Exception as error:
        if configuration.strict:
            raise
        sys.stderr.write(f"wheel-abi: {consequence}: {str(error) or type(error).__name__}\n")
        return None
