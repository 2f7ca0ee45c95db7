"""The wrapped backend is found as PEP 517 has it, or refused with a sentence that helps."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from backend_shim import hooks
from backend_shim.configuration import Configuration
from backend_shim.errors import WrappedBackendError
from backend_shim.wrapped_backend import WrappedBackend, load_wrapped_backend
from tests.backend_shim.conftest import MakeProject


def load(source: Path, build_backend: str, **further: object) -> object:
    configuration = Configuration(build_backend=build_backend, **further)  # type: ignore[arg-type]
    return load_wrapped_backend(source, configuration).backend


@pytest.mark.parametrize("spelled", ["backend_shim.hooks", "backend_shim.hooks:x", "backend_shim"])
def test_the_shim_does_not_wrap_itself(spelled: str, tmp_path: Path) -> None:
    with pytest.raises(WrappedBackendError, match="is the shim itself"):
        load(tmp_path, spelled)


@pytest.mark.parametrize("spelled", ["no_such_backend", "no_such_backend.build", "json.nothing"])
def test_a_missing_backend_is_named_with_what_to_do(spelled: str, tmp_path: Path) -> None:
    with pytest.raises(
        WrappedBackendError, match=r"must be in \[build-system\] requires"
    ) as raised:
        load(tmp_path, spelled)
    assert isinstance(raised.value.__cause__, ModuleNotFoundError)


def test_what_the_backend_itself_fails_to_import_is_not_our_error(
    make_project: MakeProject,
) -> None:
    make_project("import no_such_requirement_of_the_backend")
    with pytest.raises(ModuleNotFoundError, match="no_such_requirement_of_the_backend"):
        _ = hooks.build_wheel


def test_an_object_of_a_module_can_be_the_backend(tmp_path: Path) -> None:
    assert load(tmp_path, "json:decoder.JSONDecoder") is __import__("json").JSONDecoder
    with pytest.raises(WrappedBackendError, match="has no attribute 'nothing'"):
        load(tmp_path, "json:nothing")


def test_a_backend_from_elsewhere_does_not_pass_for_an_in_tree_one(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    with pytest.raises(WrappedBackendError, match="does not lie in"):
        load(tmp_path, "json", backend_path=("inside",))


def test_an_in_tree_backend_may_import_late_and_change_directory(
    make_project: MakeProject, tmp_path: Path
) -> None:
    source = make_project(
        "import os\nos.chdir('/')\n"
        "def get_requires_for_build_wheel(config_settings=None):\n"
        "    os.chdir('/')\n    import late_helper\n    return late_helper.found"
    )
    (source / "inside" / "late_helper.py").write_text("found = ['it']")
    assert hooks.get_requires_for_build_wheel() == ["it"]
    assert Path.cwd() == source
    assert os_path_entries_of(source) == []
    sys.modules.pop("late_helper")


def os_path_entries_of(source: Path) -> list[str]:
    return [entry for entry in sys.path if entry.startswith(str(source))]


@pytest.mark.parametrize(
    ("build_backend", "dynamic", "hidden"),
    [
        ("hatchling.build", {"dependencies"}, True),
        ("hatchling.build", {"optional-dependencies", "version"}, True),
        ("hatchling.build", {"version"}, False),
        ("other.build", {"dependencies"}, False),
    ],
)
def test_hatchling_with_dynamic_dependencies_hides_its_prepare_hooks(
    build_backend: str, dynamic: set[str], hidden: bool
) -> None:
    module = ModuleType(build_backend)
    module.prepare_metadata_for_build_wheel = lambda: None  # type: ignore[attr-defined]
    module.build_wheel = lambda: None  # type: ignore[attr-defined]
    wrapped = WrappedBackend(
        source=Path(),
        configuration=Configuration(build_backend=build_backend, dynamic=frozenset(dynamic)),
        backend=module,
        module=module,
    )
    assert wrapped.hook("build_wheel") is module.build_wheel
    if hidden:
        with pytest.raises(AttributeError):
            wrapped.hook("prepare_metadata_for_build_wheel")
    else:
        wrapped.hook("prepare_metadata_for_build_wheel")
