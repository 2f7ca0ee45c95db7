"""The real backend: found as PEP 517 has it, called in this process, and seen through its hooks.

A hook that the real backend lacks is lacking here too (AttributeError); one that it has keeps its
signature and gets the very arguments that the front end gave, without our own config settings.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from backend_shim.configuration import Configuration
from backend_shim.errors import WrappedBackendError

# Position of `config_settings` in each hook's signature (PEP 517, PEP 660).
HOOKS: Final[Mapping[str, int]] = {
    "build_wheel": 1,
    "build_sdist": 1,
    "build_editable": 1,
    "get_requires_for_build_wheel": 0,
    "get_requires_for_build_sdist": 0,
    "get_requires_for_build_editable": 0,
    "prepare_metadata_for_build_wheel": 1,
    "prepare_metadata_for_build_editable": 1,
}
UNSUPPORTED: Final = "UnsupportedOperation"

_PREPARE: Final = ("prepare_metadata_for_build_wheel", "prepare_metadata_for_build_editable")
_HATCHLING: Final = "hatchling.build"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappedBackend:
    """The real backend of the project in `source`."""

    source: Path
    configuration: Configuration
    backend: Any
    """The module or object whose attributes are the hooks."""
    module: ModuleType

    def hook(self, name: str) -> Callable[..., Any]:
        """The real hook `name`. Raises AttributeError where the front end must not see one."""
        if name in _PREPARE and self._hides_prepare():
            raise AttributeError(name)
        hook: Callable[..., Any] = getattr(self.backend, name)
        return hook

    def unsupported_operation(self) -> Any:
        """The backend's `UnsupportedOperation`. Raises AttributeError where it has none."""
        return getattr(self.backend, UNSUPPORTED)

    def _hides_prepare(self) -> bool:
        """Whether hatchling's build hooks may add dependencies that prepare does not tell.

        uv knows this by the backend's name and skips prepare; through the shim it cannot know, and
        would install without them.
        """
        dynamic = self.configuration.dynamic & {"dependencies", "optional-dependencies"}
        return self.configuration.build_backend == _HATCHLING and bool(dynamic)


def load_wrapped_backend(source: Path, configuration: Configuration) -> WrappedBackend:
    """Import the backend that `configuration` names for the tree `source`.

    Raises WrappedBackendError where it cannot be found; what its own import raises passes through.
    """
    spelled = configuration.build_backend
    module_name, _, attributes = spelled.partition(":")
    own_package = __name__.partition(".")[0]
    if module_name.partition(".")[0] == own_package:
        raise WrappedBackendError(spelled, "is the shim itself; name the backend to be wrapped")
    directories = [os.path.realpath(source / path) for path in configuration.backend_path]
    with process_restored():
        if directories:
            _use_backend_path(directories)
        module = _import(module_name, spelled)
        if directories:
            _check_origin(module_name, spelled, directories)
        backend: Any = module
        for attribute in filter(None, attributes.split(".")):
            backend = getattr(backend, attribute, None)
            if backend is None:
                raise WrappedBackendError(spelled, f"has no attribute {attribute!r}")
    return WrappedBackend(
        source=source, configuration=configuration, backend=backend, module=module
    )


@contextmanager
def process_restored(directory: Path | None = None) -> Iterator[None]:
    """Give back the working directory and the environment as they were, whatever a backend did.

    Work in `directory`, if that is given.
    """
    before, environ = Path.cwd(), dict(os.environ)
    try:
        if directory is not None:
            os.chdir(directory)
        yield
    finally:
        os.chdir(before)
        if dict(os.environ) != environ:
            os.environ.clear()
            os.environ.update(environ)


class _InTreeFinder:
    """Finds top-level modules in the directories of `backend-path` before any other finder.

    On `sys.meta_path` and not on `sys.path`, as pyproject-hooks does: nothing else of the tree gets
    in the way of an import, and a backend that changes the working directory does no harm.
    """

    def __init__(self, directories: Sequence[str]) -> None:
        self.directories = list(directories)

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - of the import protocol
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of a top-level module that lies in one of the directories."""
        if "." in name:
            return None
        return importlib.machinery.PathFinder.find_spec(name, self.directories, target)


def _use_backend_path(directories: Sequence[str]) -> None:
    finders = (each for each in sys.meta_path if isinstance(each, _InTreeFinder))
    if all(finder.directories != list(directories) for finder in finders):
        sys.meta_path.insert(0, _InTreeFinder(directories))


def _import(module_name: str, spelled: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing == module_name or module_name.startswith(f"{missing}."):
            raise WrappedBackendError(
                spelled,
                f"no module named {missing!r}: it must be in [build-system] requires, "
                "or in the tree under [tool.wheel-abi] backend-path",
            ) from error
        raise


def _check_origin(module_name: str, spelled: str, directories: Sequence[str]) -> None:
    """PEP 517: "The backend code MUST be loaded from one of the directories specified"."""
    top = sys.modules[module_name.partition(".")[0]]
    origins = [top.__file__] if getattr(top, "__file__", None) else list(top.__path__)
    for origin in filter(None, origins):
        place = Path(os.path.realpath(origin))
        if any(place.is_relative_to(directory) for directory in directories):
            return
    raise WrappedBackendError(spelled, "does not lie in [tool.wheel-abi] backend-path")
