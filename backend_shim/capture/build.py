"""Two looks at one build: before the backend runs, and at the wheel that it made."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from backend_shim.capture.build_requirements import (
    Installed,
    capture_build_requirements,
    installed_distributions,
    normalized,
    provider_of,
    reachable_names,
)
from backend_shim.capture.built_binaries import look_at_binaries
from backend_shim.capture.environment import recorded_environment, recorded_settings
from backend_shim.capture.interpreter import capture_interpreter
from backend_shim.capture.observation import BuildObservation, ObservedBuild
from backend_shim.capture.redaction import Redaction, redaction_of_process
from backend_shim.capture.source_tree import capture_source_tree
from backend_shim.capture.toolchain import capture_toolchain
from backend_shim.errors import InvalidWheel
from backend_shim.record.build_inputs import (
    Backend,
    BuildInputs,
    BuildRequirement,
    ConfigValue,
    Patch,
    SourceTree,
)
from backend_shim.record.build_machine import Interpreter
from backend_shim.record.fingerprint import Generator
from backend_shim.wheel.archive import WheelArchive

_BINARY: Final = re.compile(r"\.(so(\.\d+)*|pyd|dylib|dll|exe|a|lib|o)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeBuild:
    """What was there when the backend was called, before it wrote into tree and environment."""

    source: SourceTree
    patches: tuple[Patch, ...]
    config_settings: tuple[tuple[str, ConfigValue], ...]
    environment: tuple[tuple[str, str], ...]
    installed: tuple[Installed, ...]
    requirements: tuple[BuildRequirement, ...]
    looked_for: frozenset[str]
    """Names by which binaries reach what is installed."""
    interpreter: Interpreter
    redaction: Redaction


def begin_capture(
    source: Path,
    *,
    patches: Sequence[str] = (),
    also: Collection[str] = (),
    config_settings: Mapping[str, Any] | None = None,
    outputs: Collection[Path] = (),
) -> BeforeBuild:
    """The first look, at the tree `source` and at this process.

    `also` names further variables that may be recorded; `outputs` are directories of the tree that
    belong to the front end. Raises OSError where a file cannot be read.
    """
    redaction = redaction_of_process(source, os.environ)
    installed = installed_distributions(sys.path, not_in=source)
    return BeforeBuild(
        source=capture_source_tree(source, leave_out=outputs),
        patches=tuple(_patch(source, patch) for patch in patches),
        config_settings=recorded_settings(config_settings, redaction=redaction),
        environment=recorded_environment(os.environ, also=also, redaction=redaction),
        installed=installed,
        requirements=capture_build_requirements(installed),
        looked_for=reachable_names(installed),
        interpreter=capture_interpreter(),
        redaction=redaction,
    )


def capture_build_inputs(
    before: BeforeBuild,
    archive: WheelArchive,
    *,
    backend_name: str,
    backend_module: ModuleType,
    observation: BuildObservation | None = None,
) -> BuildInputs:
    """The second look, at the wheel in `archive`, and all that was captured.

    `backend_name` is the wrapped backend as configured, `observation` that of its build.
    Raises InvalidWheel.
    """
    name, version = archive.metadata["Name"], archive.metadata["Version"]
    if not name or not version:
        raise InvalidWheel(archive.name, "its METADATA names no distribution or no version")
    binaries = look_at_binaries(archive, before.installed, before.redaction)
    toolchain = None
    if binaries.is_any or _holds_binaries(archive):
        toolchain = replace(
            capture_toolchain(os.environ, redaction=before.redaction), observed=binaries.observed
        )
    observed = observation.observed(has_binaries=binaries.is_any) if observation else None
    observed = observed or ObservedBuild()
    return BuildInputs(
        generator=Generator(),
        name=normalized(str(name)),
        version=str(version),
        build_tag=_build_tag(archive.name),
        config_settings=before.config_settings,
        patches=before.patches,
        source=before.source,
        backend=captured_backend(before, backend_name, backend_module),
        interpreter=before.interpreter,
        toolchain=toolchain,
        environment=before.environment,
        requirements=tuple(
            replace(each, read=observed.read[each.name]) if each.name in observed.read else each
            for each in before.requirements
        ),
        capture=observed.capture,
        system_packages=observed.system_packages,
        system_libraries=binaries.libraries,
        # Sorted anew: temporary directories had names in them that are never the same twice.
        commands=tuple(sorted({before.redaction.text(each) for each in observed.commands})),
    )


def _patch(source: Path, patch: str) -> Patch:
    """A path outside the tree tells of this machine; its last part is enough of a name."""
    place = source / patch
    resolved, root = Path(os.path.realpath(place)), os.path.realpath(source)
    inside = resolved.is_relative_to(root)
    return Patch(
        name=resolved.relative_to(root).as_posix() if inside else place.name,
        sha256=hashlib.sha256(place.read_bytes()).hexdigest(),
    )


def _holds_binaries(archive: WheelArchive) -> bool:
    """Whether compilers may have had a part in the wheel."""
    purelib = str(archive.wheel_file.get("Root-Is-Purelib", "")).strip().lower() == "true"
    return not purelib or any(_BINARY.search(member.name) for member in archive.members)


def _build_tag(wheel: str) -> str | None:
    """`{distribution}-{version}(-{build tag})?-{python tag}-{abi tag}-{platform tag}.whl`."""
    parts = wheel.removesuffix(".whl").split("-")
    return parts[2] if len(parts) == 6 else None


def captured_backend(before: BeforeBuild, name: str, module: ModuleType) -> Backend:
    """The wrapped backend `name`, loaded as `module`, and the distribution it came from."""
    provider = provider_of(module, before.installed)
    return Backend(
        name=name,
        distribution=None if provider is None else provider.name,
        version=None if provider is None else provider.version,
    )
