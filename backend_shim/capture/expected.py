"""The build inputs that a build here and now would have, as far as they are there before it."""

from __future__ import annotations

import os
from types import ModuleType

from backend_shim.capture.build import BeforeBuild
from backend_shim.capture.build_requirements import normalized, provider_of
from backend_shim.capture.toolchain import capture_toolchain
from backend_shim.record.build_inputs import Backend, BuildInputs
from backend_shim.record.fingerprint import Generator


def expected_build_inputs(
    before: BeforeBuild,
    *,
    name: str,
    version: str,
    build_tag: str | None,
    backend_name: str,
    backend_module: ModuleType,
) -> BuildInputs:
    """What `before` tells, with the toolchain; nothing of what only a build shows.

    The toolchain is there always: whether the wheel will hold binaries nobody knows yet.
    """
    provider = provider_of(backend_module, before.installed)
    return BuildInputs(
        generator=Generator(),
        name=normalized(name),
        version=version,
        build_tag=build_tag,
        config_settings=before.config_settings,
        patches=before.patches,
        source=before.source,
        backend=Backend(
            name=backend_name,
            distribution=None if provider is None else provider.name,
            version=None if provider is None else provider.version,
        ),
        interpreter=before.interpreter,
        toolchain=capture_toolchain(os.environ, redaction=before.redaction),
        environment=before.environment,
        requirements=before.requirements,
    )
