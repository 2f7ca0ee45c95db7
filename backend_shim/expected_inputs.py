"""The build inputs of a project, without building it: its backend is asked, nothing is compiled."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from backend_shim.capture.build import begin_capture
from backend_shim.capture.expected import expected_build_inputs
from backend_shim.capture.redaction import redaction_of_process
from backend_shim.configuration import (
    Configuration,
    configured,
    read_configuration,
    without_own_settings,
)
from backend_shim.errors import ConfigurationError, WrappedBackendError
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.wrapped_backend import WrappedBackend, load_wrapped_backend, process_restored

_REQUIRES = "get_requires_for_build_wheel"
_PREPARE = "prepare_metadata_for_build_wheel"


def inputs_of_project(
    source: Path,
    config_settings: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    build_tag: str | None = None,
) -> BuildInputs:
    """The inputs that a build of the tree `source` would have in this process.

    As before a build the backend is asked for its requirements: it may write into the tree, and
    what it writes is listed. Raises BackendShimError, OSError.
    """
    source = Path(os.path.realpath(source))
    project = _Project(source, config_settings, environ)
    project.requires()
    configuration = configured(project.configuration, config_settings, environ)
    before = begin_capture(
        source,
        patches=configuration.patches,
        also=configuration.env,
        config_settings=project.settings,
    )
    name, version = project.release()
    return expected_build_inputs(
        before,
        name=name,
        version=version,
        build_tag=build_tag,
        backend_name=configuration.build_backend,
        backend_module=project.wrapped.module,
    )


def write_requires(
    source: Path, config_settings: Mapping[str, Any], environ: Mapping[str, str], output: Path
) -> None:
    """Write what the backend asks for, beside `[build-system] requires`, as a JSON list."""
    requires = _Project(source, config_settings, environ).requires()
    output.write_text(json.dumps(requires), encoding="utf-8")


class _Project:
    """A source tree and its backend, loaded."""

    def __init__(
        self, source: Path, config_settings: Mapping[str, Any], environ: Mapping[str, str]
    ) -> None:
        self._source = source
        self._redaction = redaction_of_process(source, environ)
        self.configuration: Configuration = read_configuration(source)
        self.settings = without_own_settings(config_settings)
        with process_restored(source), _stdout_on_stderr():
            self.wrapped: WrappedBackend = load_wrapped_backend(source, self.configuration)

    def requires(self) -> list[str]:
        """What the backend wants installed before it builds."""
        asked = self._call(_REQUIRES, lambda hook: hook(self.settings))
        return [str(each) for each in asked or ()]

    def release(self) -> tuple[str, str]:
        """Name and version, at the least cost. Raises ConfigurationError."""
        told = self.configuration
        if told.name and told.version and "version" not in told.dynamic:
            return told.name, told.version
        for read in (self._of_sdist, self._of_backend):
            headers = read()
            if headers is not None and headers["Name"] and headers["Version"]:
                return str(headers["Name"]), str(headers["Version"])
        raise ConfigurationError(
            "pyproject.toml",
            "states no version, and the backend tells none without building: "
            "give --project an unpacked sdist",
        )

    def _of_sdist(self) -> Message | None:
        """PKG-INFO, which lies at the top of an unpacked sdist."""
        try:
            text = (self._source / "PKG-INFO").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None
        return HeaderParser().parsestr(text)

    def _of_backend(self) -> Message | None:
        with tempfile.TemporaryDirectory(prefix="wheel-abi-") as directory:
            named = self._call(_PREPARE, lambda hook: hook(directory, self.settings))
            if named is None:
                return None
            metadata = Path(directory) / str(named) / "METADATA"
            try:
                text = metadata.read_text(encoding="utf-8", errors="replace")
            except OSError as error:
                wrong = f"{_PREPARE} left no METADATA ({error.strerror})"
                raise WrappedBackendError(self.configuration.build_backend, wrong) from error
            return HeaderParser().parsestr(text)

    def _call(self, name: str, call: Callable[[Callable[..., Any]], Any]) -> Any:
        """What the real hook returns; None where the backend has no such hook.

        What it prints goes to standard error. It may end by `sys.exit`, as a `setup.py` does.
        """
        # Not `wrapped.hook`: what hatchling hides there are dependencies, and none are asked for.
        hook = getattr(self.wrapped.backend, name, None)
        if hook is None:
            return None
        try:
            with process_restored(self._source), _stdout_on_stderr():
                return call(hook)
        except (Exception, SystemExit) as error:
            said = self._redaction.text(str(error))
            wrong = f"{name} failed ({type(error).__name__}: {said})"
            raise WrappedBackendError(self.configuration.build_backend, wrong) from error


@contextmanager
def _stdout_on_stderr() -> Iterator[None]:
    """Send what this process and its children write to standard output to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
