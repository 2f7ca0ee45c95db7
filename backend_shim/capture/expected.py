"""The build inputs that a build here and now would have, as far as they are there before it."""

from __future__ import annotations

import os
from types import ModuleType

from backend_shim.capture.build import BeforeBuild, captured_backend
from backend_shim.capture.build_requirements import normalized
from backend_shim.capture.toolchain import capture_toolchain
from backend_shim.record.build_inputs import BuildInputs
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
    return BuildInputs(
        generator=Generator(),
        name=normalized(name),
        version=version,
        build_tag=build_tag,
        config_settings=before.config_settings,
        patches=before.patches,
        source=before.source,
        backend=captured_backend(before, backend_name, backend_module),
        interpreter=before.interpreter,
        toolchain=capture_toolchain(os.environ, redaction=before.redaction),
        environment=before.environment,
        requirements=before.requirements,
    )
