"""Properties of PEP 817 follow from one release that nothing else can take the place of, only."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from packaging.specifiers import SpecifierSet
from variantlib.errors import ValidationError
from variantlib.models.variant import VariantProperty
from variantlib.resolver.lib import inject_abi_dependency

from backend_shim.exports.abi_dependency import LeftOut, Why, project, property_of
from backend_shim.interfaces.linking.facts import Import, Need, need_facts
from backend_shim.record.build_inputs import BuildInputs, BuildRequirement
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import AbiFingerprint, Basis, Generator, InterfaceFacts
from tests.backend_shim.record.example_inputs import INPUTS

# PEP 817, "Variant metadata": namespace and feature name, and value.
_NAME, _VALUE = r"[a-z0-9_]+", r"[a-z0-9_.]+"
_PROPERTY = re.compile(rf"{_NAME} :: {_NAME} :: {_VALUE}")


def linking_to(*symbols: str) -> Facts:
    need = Need(
        path="a/_C.so",
        format="elf",
        machine="x86_64",
        needed=("libx.so",),
        compatibility=(),
        imports=tuple(Import(each, None, None) for each in symbols),
        optional=(),
    )
    return need_facts([need])


_TORCH = linking_to("_ZN2at10TensorBaseD1Ev")
_NUMPY = Facts(
    {
        "accepts": [1, 2],
        "target": [1, 23],
        "feature_version": None,
        "is_target_partial": False,
        "by_name_knows": [],
        "is_by_name_partial": False,
        "types_only": False,
    }
)


def requiring(**facts: Facts) -> AbiFingerprint:
    return AbiFingerprint(
        generator=Generator(),
        is_purelib=False,
        requires=tuple(
            InterfaceFacts(interface=name.replace("_", "-"), basis=Basis.OBSERVED, facts=each)
            for name, each in facts.items()
        ),
    )


def built_with(**versions: str) -> BuildInputs:
    requirements = (
        BuildRequirement(name=name, version=version, digests=())
        for name, version in versions.items()
    )
    return replace(INPUTS, requirements=tuple(requirements))


def test_a_wheel_that_takes_c_plus_plus_of_pytorch_gives_the_release() -> None:
    found = project(requiring(linking=_TORCH), built_with(torch="2.9.1+cu128"))
    assert found.properties == ("abi_dependency :: torch :: 2.9.1",)
    assert found.left_out == ()


def test_what_was_installed_editable_is_no_release() -> None:
    inputs = built_with(torch="2.9.1")
    edited = tuple(replace(each, is_editable=True) for each in inputs.requirements)
    found = project(requiring(linking=_TORCH), replace(inputs, requirements=edited))
    assert found.properties == ()
    assert found.left_out == (LeftOut(interface="linking", why=Why.NO_BUILD_INPUTS),)


@pytest.mark.parametrize(
    ("inputs", "left_out"),
    [
        (None, LeftOut(interface="linking", why=Why.NO_BUILD_INPUTS)),
        (built_with(numpy="2.3.4"), LeftOut(interface="linking", why=Why.NO_BUILD_INPUTS)),
        (built_with(torch="2.10.0.dev20"), LeftOut(interface="linking", why=Why.NOT_EXPRESSIBLE)),
        (
            built_with(torch="2.9.1.post1"),
            LeftOut(interface="linking", why=Why.NOT_EXPRESSIBLE, requirement="torch==2.9.1.post1"),
        ),
    ],
)
def test_another_release_is_not_made_of_one_that_cannot_be_said(
    inputs: BuildInputs | None, left_out: LeftOut
) -> None:
    found = project(requiring(linking=_TORCH), inputs)
    assert (found.properties, found.left_out) == ((), (left_out,))


def test_everything_else_is_left_out_with_its_reason() -> None:
    fingerprint = requiring(
        platform=Facts({}), cpython=Facts({}), capsule=Facts({}), linking=linking_to("deflate"),
        numpy_c_api=_NUMPY, import_name=Facts({"looked_for": ["numpy"]}),
    )  # fmt: skip
    found = project(fingerprint, built_with(torch="2.9.1", numpy="2.3.4"))
    assert found.properties == ()
    assert {each.interface: each.why for each in found.left_out} == {
        "capsule": Why.NO_SERIES,
        "cpython": Why.NOT_A_DISTRIBUTION,
        "import-name": Why.NO_SERIES,
        "linking": Why.NO_SERIES,
        "numpy-c-api": Why.RANGE,
        "platform": Why.NOT_A_DISTRIBUTION,
    }
    assert [each.requirement for each in found.left_out if each.why is Why.RANGE] == ["numpy>=1.23"]


def test_a_wheel_that_requires_nothing_gives_nothing() -> None:
    assert project(requiring(), None).as_json() == {"properties": [], "left_out": []}


@pytest.mark.parametrize(
    ("specifiers", "value"),
    [
        (["==2.*"], "2"),
        (["==2.9.*"], "2.9"),
        (["==2.8.0.*"], "2.8.0"),
        # One release; with fewer numbers the value would take others, too.
        (["==2.8.0"], "2.8.0"),
        (["==2.9"], "2.9.0"),
        (["==2"], "2.0.0"),
    ],
)
def test_a_series_is_written_as_pep_817_matches_it(specifiers: list[str], value: str) -> None:
    found = property_of("scikit-learn", specifiers)
    assert found == f"abi_dependency :: scikit_learn :: {value}"
    assert _PROPERTY.fullmatch(found)
    parsed = VariantProperty.from_str(found)
    assert (parsed.namespace, parsed.feature, parsed.value) == (
        "abi_dependency", "scikit_learn", value,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("specifiers", "why"),
    [
        ([], Why.RANGE),
        ([">=1.23"], Why.RANGE),
        (["~=2.9"], Why.RANGE),
        (["!=2.9"], Why.RANGE),
        ([">=2.9", "<2.10"], Why.RANGE),
        (["==2.9.*", "!=2.9.1"], Why.RANGE),
        (["===2.9.1"], Why.NOT_EXPRESSIBLE),
        (["==2.9.1.2"], Why.NOT_EXPRESSIBLE),
        (["==2.9.1.2.*"], Why.NOT_EXPRESSIBLE),
        (["==1!2.9.*"], Why.NOT_EXPRESSIBLE),
        (["==2.9.1rc1"], Why.NOT_EXPRESSIBLE),
        (["==2.9.1.post1"], Why.NOT_EXPRESSIBLE),
        (["==2.9.1+cu128"], Why.NOT_EXPRESSIBLE),
        (["==2.09"], Why.NOT_EXPRESSIBLE),
        (["==2.9.1\n"], Why.NOT_EXPRESSIBLE),
    ],
)
def test_what_is_no_series_gives_no_property(specifiers: list[str], why: Why) -> None:
    assert property_of("torch", specifiers) is why


def test_pep_817_has_no_feature_with_a_hyphen() -> None:
    """The reason for the mapping: normalized names have hyphens."""
    with pytest.raises(ValidationError):
        VariantProperty.from_str("abi_dependency :: scikit-learn :: 1.7")


@pytest.mark.parametrize("specifier", ["==2.*", "==2.9.*", "==2.9", "==2.9.1", "==2.9.1.*"])
@pytest.mark.parametrize(
    "installed", ["1.9", "2", "2.0.1", "2.9", "2.9.0", "2.9.1", "2.9.1+cu128", "2.9.2", "2.10.1"]
)
def test_whoever_implements_pep_817_takes_the_releases_that_the_specifier_takes(
    specifier: str, installed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VARIANT_ABI_DEPENDENCY", f"scikit-learn=={installed}")
    supported: list[VariantProperty] = []
    inject_abi_dependency(supported, [])
    said = property_of("scikit-learn", [specifier])
    assert isinstance(said, str)
    taken = VariantProperty.from_str(said) in supported
    assert taken is SpecifierSet(specifier).contains(installed)


@pytest.mark.parametrize("installed", ["2.9.1rc1", "2.9.1.post1", "2.9.1.4"])
def test_one_release_is_widened_to_those_that_pep_817_does_not_tell_from_it(installed: str) -> None:
    assert not SpecifierSet("==2.9.1").contains(installed)
    assert SpecifierSet("==2.9.1.*").contains(installed, prereleases=True)
