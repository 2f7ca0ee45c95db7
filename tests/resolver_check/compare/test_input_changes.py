"""What differs between two builds is named, input by input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import pytest

from backend_shim.record.build_inputs import Backend, BuildInputs, Patch, SourceTree
from backend_shim.record.build_machine import Interpreter, Library, Observed, Toolchain
from backend_shim.record.read_set import Capture, SystemPackage
from resolver_check.compare.changed_input import InputChange, InputKind, needs_rebuild
from resolver_check.compare.input_changes import input_changes
from tests.backend_shim.record.example_inputs import INPUTS

# Without what no two builds can be known to share: a redacted setting, an editable requirement.
PLAIN = replace(
    INPUTS,
    config_settings=(("--build-option", ("--debug", "-j2")),),
    requirements=INPUTS.requirements[1:],
)
_OTHER = "0" * 64


def changes(old: BuildInputs, new: BuildInputs, **options: Any) -> tuple[InputChange, ...]:
    """With nothing known of new wheels."""
    return input_changes(
        old,
        new,
        new_digests=lambda _name, _version: None,
        tokens=lambda _name, _version, _paths: {},
        linked=(),
        strict=False,
        **options,
    )


def shown(found: tuple[InputChange, ...]) -> list[tuple[str, str, str | None, str | None]]:
    return [(each.kind.value, each.name, each.old, each.new) for each in found]


def test_the_same_inputs_have_not_changed() -> None:
    assert changes(PLAIN, PLAIN) == ()
    assert changes(PLAIN, BuildInputs.from_json(PLAIN.to_json())) == ()
    assert not needs_rebuild(())


_ON_MACHINE = PLAIN.toolchain
assert _ON_MACHINE is not None

ONE_CHANGE: Mapping[str, tuple[dict[str, Any], tuple[str, str, str | None, str | None]]] = {
    "name": ({"name": "neck"}, ("name", "", "bottleneck", "neck")),
    "version": ({"version": "1.6.1"}, ("version", "", "1.6.0", "1.6.1")),
    "build tag": ({"build_tag": "3"}, ("build-tag", "", "2", "3")),
    "setting": (
        {"config_settings": (("--build-option", ("--debug",)),)},
        ("config-setting", "--build-option", "['--debug', '-j2']", "['--debug']"),
    ),
    "setting gone": (
        {"config_settings": ()},
        ("config-setting", "--build-option", "['--debug', '-j2']", None),
    ),
    "setting as text": (
        {"config_settings": (("--build-option", "['--debug', '-j2']"),)},
        (
            "config-setting",
            "--build-option",
            "['--debug', '-j2']",
            "\"['--debug', '-j2']\"",
        ),
    ),
    "patch": (
        {"patches": (Patch(name="patches/0001-fix.patch", sha256=_OTHER),)},
        (
            "patch",
            "patches/0001-fix.patch",
            f"sha256:{PLAIN.patches[0].sha256}",
            f"sha256:{_OTHER}",
        ),
    ),
    "source": (
        {"source": SourceTree(sha256=_OTHER, listed_by="git", files=94)},
        (
            "source",
            "",
            f"sha256:{PLAIN.source.sha256} (93 files, listed by walk)",
            f"sha256:{_OTHER} (94 files, listed by git)",
        ),
    ),
    "backend": (
        {"backend": Backend(name="hatchling.build", distribution="hatchling", version="1")},
        (
            "backend",
            "",
            "setuptools.build_meta:__legacy__ of setuptools 80.9.0",
            "hatchling.build of hatchling 1",
        ),
    ),
    "variable": (
        {"environment": (("SOURCE_DATE_EPOCH", "1700000000"),)},
        ("environment-variable", "CFLAGS", "-O2 -I{source}/include", None),
    ),
    "variable more": (
        {"environment": (*PLAIN.environment, ("CC", "clang"))},
        ("environment-variable", "CC", None, "clang"),
    ),
    "compiler": (
        {"toolchain": replace(_ON_MACHINE, c_compiler=None)},
        (
            "toolchain",
            "c_compiler",
            "gcc (Debian 12.2.0-14+deb12u1) 12.2.0 for x86_64-linux-gnu",
            None,
        ),
    ),
    "libc": (
        {"toolchain": replace(_ON_MACHINE, libc=Library(name="glibc", version="2.39"))},
        ("toolchain", "libc", "glibc 2.36", "glibc 2.39"),
    ),
    "string ABI": (
        {
            "toolchain": replace(
                _ON_MACHINE, cxx_library=Library(name="libstdc++", version="12", abi="old")
            )
        },
        (
            "toolchain",
            "cxx_library",
            "libstdc++ 12 (string ABI cxx11)",
            "libstdc++ 12 (string ABI old)",
        ),
    ),
}


@pytest.mark.parametrize("case", ONE_CHANGE)
def test_each_input_that_changed_is_named_alone(case: str) -> None:
    changed, expected = ONE_CHANGE[case]
    found = changes(PLAIN, replace(PLAIN, **changed))
    assert shown(found) == [expected]
    assert needs_rebuild(found)


def test_no_field_of_the_inputs_is_forgotten() -> None:
    compared = {"requirements", "system_packages", "interpreter", "name", "version", "build_tag"}
    compared |= {"config_settings", "patches", "source", "backend", "toolchain", "environment"}
    # The program that wrote the record is a build requirement, or lies in the source tree.
    only_after_a_build = {"generator", "capture", "system_libraries", "commands"}
    assert {field.name for field in fields(BuildInputs)} == compared | only_after_a_build


def _other(value: object) -> object:
    if isinstance(value, tuple):
        return (*value, "t")
    if isinstance(value, int):
        return value + 1
    return f"{value}-other"


@pytest.mark.parametrize("field", [field.name for field in fields(Interpreter)])
def test_every_part_of_the_interpreter_counts(field: str) -> None:
    old = PLAIN.interpreter
    value = getattr(old, field)
    new = replace(value, micro=8) if field == "implementation_version" else _other(value)
    (found,) = changes(PLAIN, replace(PLAIN, interpreter=replace(old, **{field: new})))
    assert found.kind is InputKind.INTERPRETER
    assert found.old != found.new


def test_the_order_of_patches_counts() -> None:
    first, second = (Patch(name=name, sha256=name[0] * 64) for name in ("a", "b"))
    old, new = replace(PLAIN, patches=(first, second)), replace(PLAIN, patches=(second, first))
    assert shown(changes(old, new)) == [("patch-order", "", "a, b", "b, a")]


def test_patches_of_one_name_are_told_apart_by_digest() -> None:
    twice = tuple(Patch(name="fix.patch", sha256=digit * 64) for digit in "12")
    old, new = replace(PLAIN, patches=twice), replace(PLAIN, patches=twice[:1])
    (found,) = changes(old, new)
    assert (found.kind, found.name) == (InputKind.PATCH, "fix.patch")


def test_versions_are_compared_as_backends_spell_them() -> None:
    assert changes(replace(PLAIN, version="1.6.0rc1"), replace(PLAIN, version="1.6.0-rc.1")) == ()
    # A wheel of another name comes of it.
    assert len(changes(replace(PLAIN, version="1.6"), replace(PLAIN, version="1.6.0"))) == 1
    assert len(changes(replace(PLAIN, version="odd one"), replace(PLAIN, version="odd"))) == 1


def test_a_build_tag_that_is_not_known_yet_is_not_compared() -> None:
    assert changes(PLAIN, replace(PLAIN, build_tag=None)) == ()
    assert len(changes(replace(PLAIN, build_tag=None), PLAIN)) == 1


def test_a_wheel_without_binaries_had_no_toolchain() -> None:
    assert changes(replace(PLAIN, toolchain=None), PLAIN) == ()
    found = changes(PLAIN, replace(PLAIN, toolchain=None))
    assert {each.name for each in found} == {"c_compiler", "linker", "libc", "cxx_library"}


@pytest.mark.parametrize(
    "hidden", ["{redacted}", "-I{path}/include", "https://{host}/x", "{dict}", "{NoneType}"]
)
@pytest.mark.parametrize(
    "place",
    [
        lambda inputs, value: replace(inputs, config_settings=(("key", value),)),
        lambda inputs, value: replace(inputs, config_settings=(("key", ("a", value)),)),
        lambda inputs, value: replace(inputs, environment=(("CFLAGS", value),)),
    ],
    ids=["setting", "list", "variable"],
)
def test_what_is_hidden_is_never_known_to_be_equal(
    hidden: str, place: Callable[[BuildInputs, str], BuildInputs]
) -> None:
    inputs = place(PLAIN, hidden)
    (found,) = changes(inputs, inputs)
    assert found.excuse is None
    assert hidden in (found.old or "")
    assert found.old == found.new


def test_places_that_every_build_has_are_not_hidden() -> None:
    for place in ("{source}", "-I{prefix}/include", "{tmp}", "{home}/x", "{base_prefix}"):
        inputs = replace(PLAIN, environment=(("CFLAGS", place),))
        assert changes(inputs, inputs) == ()


def test_what_only_a_build_shows_is_not_compared() -> None:
    new = replace(PLAIN, capture=Capture(), system_libraries=(), commands=())
    new = replace(new, toolchain=replace(_ON_MACHINE, observed=Observed()))
    assert changes(PLAIN, new) == ()
    assert isinstance(new.toolchain, Toolchain)


def test_system_packages_are_compared_where_both_have_some() -> None:
    (package,) = PLAIN.system_packages
    newer = SystemPackage(
        manager="dpkg", name=package.name, version="2.36-10", files=31, sha256=_OTHER
    )
    assert changes(PLAIN, replace(PLAIN, system_packages=())) == ()
    (found,) = changes(PLAIN, replace(PLAIN, system_packages=(newer,)))
    assert (found.kind, found.name) == (InputKind.SYSTEM_PACKAGE, "dpkg libc6-dev:amd64")


def test_the_version_of_a_backend_is_that_of_its_distribution() -> None:
    newer = replace(PLAIN.backend, version="81.0.0")
    listed = replace(PLAIN.requirements[1], version="81.0.0", digests=(("record", _OTHER),))
    new = replace(PLAIN, backend=newer, requirements=(PLAIN.requirements[0], listed))
    (found,) = changes(PLAIN, new)
    assert (found.kind, found.name) == (InputKind.REQUIREMENT, "setuptools")
    # In a tree without distributions there is nobody else to tell it.
    alone = replace(PLAIN, requirements=())
    (found,) = changes(alone, replace(alone, backend=newer))
    assert found.kind is InputKind.BACKEND
