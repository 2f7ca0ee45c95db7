"""The hooks are those of the wrapped backend, and only `build_wheel` does more than it."""

from __future__ import annotations

import inspect
import json
import os
import zipfile
from pathlib import Path

import pytest

from backend_shim import hooks
from backend_shim.capture import build
from backend_shim.errors import ConfigurationError, InvalidWheel
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.fingerprint import AbiFingerprint
from backend_shim.record.names import BUILD_INPUTS, FINGERPRINT
from backend_shim.record.series import Series, read_series
from backend_shim.wrapped_backend import HOOKS
from tests.backend_shim.conftest import WHEEL, MakeProject

RECALL = """
calls = []

def {name}({signature}):
    calls.append((args, kwargs))
    return "what it returned"
"""


def recorded(wheel: Path) -> tuple[AbiFingerprint, BuildInputs]:
    with zipfile.ZipFile(wheel) as archive:
        members = {Path(name).name: archive.read(name) for name in archive.namelist()}
    return (
        AbiFingerprint.from_json(members[FINGERPRINT]),
        BuildInputs.from_json(members[BUILD_INPUTS]),
    )


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_there_where_the_backend_has_it_and_nowhere_else(
    name: str, make_project: MakeProject
) -> None:
    make_project(f"def {name}(*args, **kwargs): pass")
    assert [each for each in HOOKS if hasattr(hooks, each)] == [name]


def test_what_is_no_hook_is_not_forwarded(make_project: MakeProject) -> None:
    make_project("version = 1\ndef build_everything(): pass")
    assert not hasattr(hooks, "version")
    assert not hasattr(hooks, "build_everything")
    assert not hasattr(hooks, "UnsupportedOperation")


def test_unsupported_operation_is_the_backend_s_own_and_passes_through(
    make_project: MakeProject, tmp_path: Path
) -> None:
    make_project(
        "class UnsupportedOperation(Exception): pass\n"
        "def build_sdist(sdist_directory, config_settings=None): raise UnsupportedOperation('no')"
    )
    with pytest.raises(hooks.UnsupportedOperation, match="no"):
        hooks.build_sdist(str(tmp_path))


def test_a_hook_has_the_signature_of_the_backend_s(make_project: MakeProject) -> None:
    make_project("def build_editable(wheel_directory, config_settings=5, *, extra=()): 'Its doc.'")
    assert str(inspect.signature(hooks.build_editable)) == (
        "(wheel_directory, config_settings=5, *, extra=())"
    )
    assert hooks.build_editable.__doc__ == "Its doc."


@pytest.mark.parametrize("name", [name for name in HOOKS if not name.startswith("build_")])
@pytest.mark.parametrize("settings", [None, {}, {"a": "1", "b": ["2", "3"]}])
def test_settings_of_others_reach_the_backend_as_the_same_object(
    name: str, settings: dict[str, object] | None, make_project: MakeProject
) -> None:
    make_project(
        f"calls = []\ndef {name}(*args, **kwargs):\n    calls.append((args, kwargs))\n    return 7"
    )
    hook = getattr(hooks, name)
    before = ["somewhere"] * HOOKS[name]
    assert hook(*before, settings) == 7
    assert hook(*before, config_settings=settings) == 7
    assert hook(*before) == 7
    calls = hook.__wrapped__.__globals__["calls"]
    assert calls[0] == ((*before, settings), {})
    assert calls[0][0][-1] is settings
    assert calls[1] == (tuple(before), {"config_settings": settings})
    assert calls[2] == (tuple(before), {})


def test_own_settings_are_stripped_and_the_caller_s_are_left_alone(
    make_project: MakeProject,
) -> None:
    make_project(
        "def build_editable(wheel_directory, config_settings=None): return config_settings"
    )
    given = {"wheel-abi.strict": "true", "other": "1"}
    assert hooks.build_editable("x", given) == {"other": "1"}
    assert hooks.build_editable("x", config_settings={"wheel-abi.strict": "1"}) == {}
    assert given == {"wheel-abi.strict": "true", "other": "1"}


def test_an_unknown_own_setting_is_refused_with_the_nearest_name(
    make_project: MakeProject,
) -> None:
    make_project()
    with pytest.raises(ConfigurationError, match=r"wheel-abi\.strcit: did you mean wheel-abi\.st"):
        hooks.build_wheel("x", {"wheel-abi.strcit": "1"})


@pytest.mark.parametrize(
    "body",
    ["raise ValueError('broken')", "raise SystemExit(3)", "raise KeyboardInterrupt"],
)
def test_what_the_backend_raises_passes_through_and_the_process_is_restored(
    body: str, make_project: MakeProject, tmp_path: Path
) -> None:
    source = make_project(
        "import os\n"
        "def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):\n"
        "    os.chdir('/')\n    os.environ['LEFT_BEHIND'] = '1'\n    os.environ.pop('PATH', None)\n"
        f"    {body}"
    )
    environ = dict(os.environ)
    with pytest.raises((ValueError, SystemExit, KeyboardInterrupt)):
        hooks.build_wheel(str(tmp_path))
    assert Path.cwd() == source
    assert dict(os.environ) == environ


def test_a_wheel_is_built_with_its_records(make_project: MakeProject, tmp_path: Path) -> None:
    make_project()
    assert hooks.build_wheel(str(tmp_path)) == "demo-1.0-py3-none-any.whl"
    fingerprint, inputs = recorded(tmp_path / "demo-1.0-py3-none-any.whl")
    assert fingerprint.is_purelib
    assert (inputs.name, inputs.version, inputs.build_tag) == ("demo", "1.0", None)
    assert inputs.backend.distribution is None


def test_what_the_project_promises_stands_in_the_record(
    make_project: MakeProject, tmp_path: Path
) -> None:
    make_project(
        options='[tool.wheel-abi.provides."demo._C_API"]\nlast-change = "1"\nlast-addition = "2"'
    )
    fingerprint, _ = recorded(tmp_path / hooks.build_wheel(str(tmp_path)))
    promise = Series(name="demo._C_API", last_change="1", last_addition="2")
    assert read_series(fingerprint.series) == (promise,)


def test_a_relative_directory_and_a_backend_that_goes_elsewhere(make_project: MakeProject) -> None:
    source = make_project(
        WHEEL.replace(
            "    return", "    wheel_directory = os.path.abspath(wheel_directory)\n"
            "    os.chdir('/')\n    return"
        )
    )  # fmt: skip
    (source / "out").mkdir()
    name = hooks.build_wheel("out")
    assert recorded(source / "out" / name)[0].is_purelib
    assert Path.cwd() == source


def test_the_same_tree_gives_the_same_bytes_twice(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    # Whoever else runs in the environment of these tests reads in it, too, and would be seen.
    monkeypatch.setattr(build, "installed_distributions", lambda *_, **__: ())
    source = make_project()
    wheels = []
    for directory in ("dist", "dist", "elsewhere"):
        (source / directory).mkdir(exist_ok=True)
        wheels.append((source / directory / hooks.build_wheel(directory)).read_bytes())
        (source / "__pycache__").mkdir(exist_ok=True)
        (source / "__pycache__" / "x.pyc").write_text(directory)
    assert wheels[0] == wheels[1]
    # What lies in `dist` now is a product; the directory `elsewhere` is left out as the output.
    assert wheels[0] == wheels[2]


def test_a_record_that_cannot_be_made_leaves_the_wheel_and_says_so(
    make_project: MakeProject, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make_project(
        "from pathlib import Path\n"
        "def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):\n"
        "    Path(wheel_directory, 'a-1-py3-none-any.whl').write_bytes(b'no zip')\n"
        "    return 'a-1-py3-none-any.whl'"
    )
    assert hooks.build_wheel(str(tmp_path)) == "a-1-py3-none-any.whl"
    assert (tmp_path / "a-1-py3-none-any.whl").read_bytes() == b"no zip"
    assert "a-1-py3-none-any.whl is left without records" in capfd.readouterr().err
    with pytest.raises(InvalidWheel):
        hooks.build_wheel(str(tmp_path), {"wheel-abi.strict": "true"})


def test_a_missing_patch_is_a_record_that_cannot_be_made(
    make_project: MakeProject, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make_project(options='patches = ["gone.patch"]')
    name = hooks.build_wheel(str(tmp_path))
    assert "left without records" in capfd.readouterr().err
    with zipfile.ZipFile(tmp_path / name) as archive:
        assert not [each for each in archive.namelist() if "wheel_abi" in each]
    with pytest.raises(FileNotFoundError):
        hooks.build_wheel(str(tmp_path), {"wheel-abi.strict": "true"})


def test_patches_of_the_project_the_variable_and_the_settings_add_up(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_project(options='patches = ["p/1.patch"]')
    (source / "p").mkdir()
    (source / "p" / "1.patch").write_text("one")
    for number in (2, 3):
        (tmp_path / f"{number}.patch").write_text(str(number))
    monkeypatch.setenv("WHEEL_ABI_PATCHES", str(tmp_path / "2.patch"))
    name = hooks.build_wheel(str(tmp_path), {"wheel-abi.patches": str(tmp_path / "3.patch")})
    _, inputs = recorded(tmp_path / name)
    assert [patch.name for patch in inputs.patches] == ["p/1.patch", "2.patch", "3.patch"]


def test_secrets_stay_out(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "s3cr3tv4lu3"
    make_project(options='env = ["MY_FLAG"]')
    monkeypatch.setenv("UNLISTED", secret)
    monkeypatch.setenv("PYPI_TOKEN", secret)
    monkeypatch.setenv("MY_FLAG", f"https://me:{secret}@host/x?sig={secret}")
    monkeypatch.setenv("CFLAGS", f"-O2 -DAPI_TOKEN={secret}")
    monkeypatch.setenv("CMAKE_ARGS", f"-DAUTH={secret}")
    name = hooks.build_wheel(
        str(tmp_path), {"cmake.define.PASSWORD": secret, "plain": f"--key={secret}", "o": "-O2"}
    )
    with zipfile.ZipFile(tmp_path / name) as archive:
        content = b"".join(archive.read(each) for each in archive.namelist())
    assert secret.encode() not in content
    _, inputs = recorded(tmp_path / name)
    assert dict(inputs.environment)["MY_FLAG"] == "https://{host}/x"
    assert dict(inputs.config_settings)["o"] == "-O2"


def test_editable_and_metadata_pass_through_untouched(
    make_project: MakeProject, tmp_path: Path
) -> None:
    make_project(
        WHEEL.replace("build_wheel", "build_editable")
        + "\ndef prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):\n"
        "    (Path(metadata_directory) / 'demo-1.0.dist-info').mkdir()\n"
        "    return 'demo-1.0.dist-info'"
    )
    name = hooks.build_editable(str(tmp_path))
    with zipfile.ZipFile(tmp_path / name) as archive:
        assert not [each for each in archive.namelist() if "wheel_abi" in each]
    assert hooks.prepare_metadata_for_build_wheel(str(tmp_path)) == "demo-1.0.dist-info"
    assert list((tmp_path / "demo-1.0.dist-info").iterdir()) == []


def test_import_of_the_hooks_alone_needs_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "build_wheel" in dir(hooks)
    with pytest.raises(AttributeError):
        _ = hooks.__path__
    with pytest.raises(ConfigurationError, match="there is none in"):
        _ = hooks.build_wheel


def test_the_json_names_no_place_of_this_machine(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_project()
    monkeypatch.setenv("CFLAGS", f"-I{source}/include -I{Path.home()}/x -I/mnt/disk/y")
    name = hooks.build_wheel(str(tmp_path))
    _, inputs = recorded(tmp_path / name)
    assert dict(inputs.environment)["CFLAGS"] == "-I{source}/include -I{home}/x -I{path}/y"
    assert os.fspath(tmp_path) not in json.dumps(inputs.to_json().decode())
