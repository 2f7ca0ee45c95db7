"""Who requires whom: markers, extras, specifiers, build requirements."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from resolver_check.scan.outline import Dependencies, Outline
from resolver_check.target import target
from resolver_check.wheel_reference import WheelReference, parse

LINUX = target("3.11", "manylinux_2_28_x86_64")


def _outline(release: str, *requirements: str, built_with: tuple[str, ...] = ()) -> Outline:
    name, version = release.split()
    filename = f"{name}-{version}-py3-none-any.whl"
    reference = parse(filename, location=filename)
    assert isinstance(reference, WheelReference)
    return Outline(
        reference=reference,
        requirements=requirements,
        build_requirements=frozenset(built_with),
        binding_names=frozenset({name}),
    )


@pytest.fixture
def requires() -> Callable[[Outline], set[str]]:
    """What an outline requires among three versions of `gift` and one of `other_one`."""
    offered = [_outline(f"gift {version}") for version in ("1.0", "2.0", "3.0rc1")]
    offered.append(_outline("other_one 1.0", "gift"))

    def ask(outline: Outline) -> set[str]:
        direct = Dependencies([*offered, outline], LINUX).direct
        return {"-".join(name.split("-")[:2]) for name in direct[outline.reference.filename]}

    return ask


ALL = {"gift-1.0", "gift-2.0", "gift-3.0rc1"}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("gift", ALL),
        ("Gift", ALL),
        ("gift>=2", {"gift-2.0", "gift-3.0rc1"}),
        ("gift==1.*", {"gift-1.0"}),
        # None fits, so which one is meant is not known: all are.
        ("gift>=9", ALL),
        ("other.One", {"other_one-1.0"}),
        ("nobody", set()),
        ("gift; python_version >= '3.11'", ALL),
        ("gift; python_version < '3.11'", set()),
        ("gift; sys_platform == 'win32'", set()),
        ("gift; platform_machine == 'x86_64'", ALL),
        ("gift; extra == 'more'", set()),
        ("gift; extra == 'more' or python_version > '3'", ALL),
        ("gift[more]==1.0", {"gift-1.0"}),
    ],
)
def test_install_requirements(requires, line: str, found: set[str]) -> None:
    assert requires(_outline("taker 1.0", line)) == found


def test_build_requirements_count_with_every_version(requires) -> None:
    assert requires(_outline("taker 1.0", built_with=("gift",))) == ALL
    assert requires(_outline("taker 1.0", "gift==1.0", built_with=("gift",))) == ALL


def test_nobody_requires_itself(requires) -> None:
    assert requires(_outline("taker 1.0", "taker", "gift==1.0")) == {"gift-1.0"}


def test_the_closure_goes_through_others_and_round_cycles() -> None:
    a, b, c = _outline("a 1", "b"), _outline("b 1", "c"), _outline("c 1", "a")
    names = {each.reference.name: each.reference.filename for each in (a, b, c)}
    dependencies = Dependencies([a, b, c], LINUX)
    assert dependencies.closure(names["a"]) == {names["b"], names["c"]}
    assert dependencies.binding_names(dependencies.closure(names["a"])) == {"b", "c"}
    assert dependencies.binding_names([]) == frozenset()
