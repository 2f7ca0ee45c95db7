"""Interfaces of third parties: loaded once, and never a reason to call a wheel valid when wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from backend_shim.errors import InterfaceFailed, InvalidBinary, InvalidRecord, InvalidWheel
from backend_shim.interfaces import table
from backend_shim.interfaces.plug_ins import PlugIn, load_plug_ins
from backend_shim.interfaces.reasons import Binding, Effect, Reason
from backend_shim.record.facts import Facts
from tests.support.binding_factory import compiled, fingerprinted, opened, provider

MOON = """
NAME = "moon"
def read_object(opened): return ["seen"] if opened.strings.contain(b"MOON") else None
def provides(wheel): return {"phase": 1} if wheel.name == "moon" else None
def requires(wheel): return {"objects": len(list(wheel.seen("moon")))} if wheel.objects else None
def is_satisfied(required, old, new): return ()
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution with entry points, as an installer lays it down."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    modules: list[str] = []

    def run(source: str = MOON, *, name: str = "wheel-abi-moon", module: str = "of_moon") -> None:
        info = site / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[wheel_abi.interfaces]\nmoon = {module}\n")
        (site / f"{module}.py").write_text(source)
        modules.append(module)
        table._plugged_in.cache_clear()

    yield run
    table._plugged_in.cache_clear()
    for module in modules:
        sys.modules.pop(module, None)


def test_without_any_there_are_those_of_this_program() -> None:
    assert table.all_interfaces() == table.INTERFACES
    assert table.interface_named("moon") is None


def test_an_installed_one_is_asked_like_any_other(install: Install, tmp_path: Path) -> None:
    install()
    moon = table.interface_named("moon")
    assert moon is not None
    assert table.all_interfaces() == (*table.INTERFACES, moon)
    files = {"a.so": compiled('const char *const n = "MOON";')}
    read = fingerprinted(tmp_path, files, name="moon")
    required, provided = read.fingerprint.required("moon"), read.fingerprint.provided("moon")
    assert (required and required.facts) == Facts({"objects": 1})
    assert (provided and provided.facts) == Facts({"phase": 1})


def test_it_is_loaded_once_and_only_when_asked_for(install: Install) -> None:
    install(MOON + "import sys; sys.loaded_moons = getattr(sys, 'loaded_moons', 0) + 1")
    assert table.interface_named("linking") is table.INTERFACES[0]
    assert not hasattr(sys, "loaded_moons")
    for _ in range(3):
        table.all_interfaces()
    assert sys.loaded_moons == 1  # type: ignore[attr-defined]
    del sys.loaded_moons  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("import no_such_module", "cannot be loaded: ModuleNotFoundError"),
        ("raise SystemError('no\\nmoon')", "cannot be loaded: SystemError: no moon"),
        (MOON.replace('"moon"', '"linking"', 1), "is taken already"),
        (MOON.replace('NAME = "moon"', ""), "NAME must be lower-case words"),
        (MOON.replace('NAME = "moon"', 'NAME = "The Moon"'), "NAME must be lower-case words"),
        (MOON.replace("def provides", "def offers"), "has no function provides"),
        (MOON + "requires = 3", "has no function requires"),
        (MOON + "explains = 3", "explains must be a function"),
        (MOON + "PROVIDER = 3", "PROVIDER must be str, not int"),
        (MOON + "WANTED_TEXT = 'moon.h'", "WANTED_TEXT must be tuple"),
        (MOON + "WANTED_TEXT = (1,)", "WANTED_TEXT must hold strings"),
    ],
)
def test_one_that_cannot_be_used_is_an_error_with_its_name(
    install: Install, tmp_path: Path, source: str, wrong: str
) -> None:
    install(source)
    with pytest.raises(InterfaceFailed) as raised:
        table.all_interfaces()
    assert str(raised.value).startswith("moon (of_moon of wheel-abi-moon 1.0): ")
    assert wrong in str(raised.value)
    with pytest.raises(InterfaceFailed):
        fingerprinted(tmp_path, {"a.py": b""})


def test_two_of_one_name_are_an_error(install: Install) -> None:
    install()
    install(name="wheel-abi-other", module="of_other")
    with pytest.raises(InterfaceFailed, match="'moon' is taken already"):
        list(load_plug_ins(frozenset()))


# What goes wrong later


def _plug_in(**functions: Any) -> PlugIn:
    nothing = {
        name: lambda *_: None for name in ("read_object", "provides", "requires", "is_satisfied")
    }
    return PlugIn("moon (x)", SimpleNamespace(**{"NAME": "moon", **nothing, **functions}))


def _fails(*_: object) -> Any:
    raise ValueError("no\nmoon")


@pytest.mark.parametrize(
    ("functions", "wrong"),
    [
        ({"read_object": _fails}, "read_object failed: ValueError: no moon"),
        ({"read_object": lambda _: {1.5}}, "facts cannot hold set"),
        ({"read_object": lambda _: {"a": 1.5}}, "facts cannot hold float"),
    ],
)
def test_a_binary_that_it_fails_on_counts_as_unread(
    functions: Mapping[str, Any], wrong: str
) -> None:
    with pytest.raises(InvalidBinary, match="moon") as raised:
        _plug_in(**functions).read_object(opened(compiled("int a;")))
    assert wrong in str(raised.value)


def test_names_that_it_accounts_for_are_asked_for_carefully() -> None:
    assert _plug_in().accounts_for(None) == frozenset()
    assert _plug_in(accounts_for=lambda _: ["a"]).accounts_for(None) == frozenset({"a"})
    for function in (_fails, lambda _: 3):
        with pytest.raises(InvalidBinary, match="moon"):
            _plug_in(accounts_for=function).accounts_for(None)


def test_a_module_that_it_fails_on_is_not_explained() -> None:
    assert _plug_in(explains=lambda name: name == "a").explains("a")
    assert not _plug_in(explains=lambda _: "yes").explains("a")
    assert not _plug_in(explains=_fails).explains("a")
    assert not _plug_in().explains("a")


@pytest.mark.parametrize("function", ["provides", "requires"])
@pytest.mark.parametrize(
    ("call", "wrong"),
    [
        (_fails, "failed: ValueError: no moon"),
        (lambda _: [1], "must return facts or None, not list"),
        (lambda _: {"a": 1.5}, "facts cannot hold float"),
    ],
)
def test_facts_that_are_none_are_an_error(function: str, call: Any, wrong: str) -> None:
    with pytest.raises(InterfaceFailed, match=f"{function} ") as raised:
        getattr(_plug_in(**{function: call}), function)(SimpleNamespace())
    assert wrong in str(raised.value)


class _Open(Reason):
    kind = "open-moon"
    effect = Effect.OPEN


class _Bare(Reason):
    pass


class _NoEffect(Reason):
    kind = "no-effect"
    effect = "supports"  # type: ignore[assignment]


def _bound(*reasons: object) -> tuple[Binding, ...]:
    return (Binding(interface="moon", reasons=reasons),)  # type: ignore[arg-type]


def test_its_bindings_are_taken_as_they_are() -> None:
    bindings = _bound(_Open())
    plug_in = _plug_in(is_satisfied=lambda *_: bindings)
    assert plug_in.is_satisfied(Facts({}), provider(), provider()) is bindings


@pytest.mark.parametrize(
    "answer", [None, [], "ab", (1,), _bound("because"), _bound(_Bare()), _bound(_NoEffect())]
)
def test_an_answer_of_another_shape_is_an_error(answer: object) -> None:
    with pytest.raises(InterfaceFailed, match="must return a tuple of bindings"):
        _plug_in(is_satisfied=lambda *_: answer).is_satisfied(Facts({}), provider(), provider())


def test_a_wrong_record_stays_one_and_other_failures_are_of_the_plug_in() -> None:
    def refuses(*_: object) -> Any:
        raise InvalidRecord("$.moon", "is blue")

    with pytest.raises(InvalidRecord, match="is blue"):
        _plug_in(is_satisfied=refuses).is_satisfied(Facts({}), provider(), provider())
    with pytest.raises(InterfaceFailed, match="is_satisfied failed: ValueError: no moon"):
        _plug_in(is_satisfied=_fails).is_satisfied(Facts({}), provider(), provider())


@pytest.mark.parametrize("function", ["provides", "requires"])
def test_a_wheel_that_it_fails_on_cannot_be_read(
    install: Install, tmp_path: Path, function: str
) -> None:
    install(MOON + f"def {function}(wheel): raise ValueError('no')")
    with pytest.raises(InvalidWheel, match=rf"interface moon .*: {function} failed"):
        fingerprinted(tmp_path, {"a.so": compiled("int a;")})


def test_an_unread_binary_names_it(install: Install, tmp_path: Path) -> None:
    install(MOON + "def read_object(opened): raise ValueError('no')")
    read = fingerprinted(tmp_path, {"a.so": compiled("int a;")})
    (unread,) = read.fingerprint.unread
    assert "interface moon" in unread.why
    assert not read.fingerprint.is_purelib
