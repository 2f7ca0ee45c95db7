"""A specifier set admits the versions known to fit, and none of the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from backend_shim.interfaces.numpy_c_api import NumpyAbiRefused, NumpySeriesFits, NumpyTooOld
from backend_shim.interfaces.reasons import Binding, Reason
from resolver_check.compare.version_ranges import narrowed, specifier_of, told_between
from resolver_check.model import Judgement, NoBinding, Verdict

VERSIONS = st.sets(
    st.builds(lambda *numbers: Version(".".join(map(str, numbers))), *[st.integers(0, 3)] * 3)
)


def versions(text: str) -> list[Version]:
    return [Version(each) for each in text.split()]


@pytest.mark.parametrize(
    ("fits", "others", "is_promised", "expected"),
    [
        ("1.23.5 1.26.4 2.0.2", "1.22", True, ">=1.23.5"),
        ("1.23.5 1.26.4", "1.22 2.0.0 2.1.0", True, ">=1.23.5,<2.0.0"),
        ("1.0 1.2", "1.1", True, ">=1.0,!=1.1"),
        # Nothing is promised of what is not there yet.
        ("1.23.5 1.26.4 2.0.2", "", False, ">=1.23.5,<=2.0.2"),
        ("2.5.1", "2.5.0 2.6.0", False, "==2.5.1"),
        ("2.5.1", "", False, "==2.5.1"),
        ("2.5.0 2.5.1", "2.4.1 2.6.0", False, "==2.5.*"),
        ("2.5.0 2.5.1", "2.5.2", False, ">=2.5.0,<=2.5.1"),
        ("1!2.5.0 1!2.5.1", "2.5.0 1!2.4.0", False, "==1!2.5.*"),
        # Of the final release nothing is known.
        ("2.5rc1 2.5rc2", "", False, ">=2.5rc1,<=2.5rc2"),
        # One build of it fits and another does not: a bare version admits both.
        ("2.5.1+cpu", "2.5.1+cu121", False, None),
        ("2.5.1+cpu", "2.6.0+cpu", False, "==2.5.1"),
        ("", "1.0", True, None),
    ],
)  # fmt: skip
def test_the_specifier_set(fits: str, others: str, is_promised: bool, expected: str | None) -> None:
    found = specifier_of(versions(fits), versions(others), is_promised=is_promised)
    assert found == (None if expected is None else SpecifierSet(expected))


@given(VERSIONS, VERSIONS, st.booleans())
def test_none_of_the_others_is_admitted_and_the_newest_that_fits_is(
    fits: set[Version], others: set[Version], is_promised: bool
) -> None:
    fits -= others
    found = specifier_of(fits, others, is_promised=is_promised)
    assert (found is None) == (not fits)
    if found is not None:
        assert not [each for each in others if each in found]
        assert max(fits) in found


@pytest.mark.parametrize(
    ("known", "bounds", "expected"),
    [
        (">=1.23.5,<2.0.2", [">=1.19", "<2"], ">=1.23.5,<2"),
        (">=1.23.5", [">=1.25"], ">=1.25"),
        ("==2.5.1", ["==2.5.1"], "==2.5.1"),
        ("==2.5.*", [">=2.5.1"], "==2.5.*,>=2.5.1"),
    ],
)
def test_bounds_of_the_wheel_alone_narrow_what_an_index_tells(
    known: str, bounds: list[str], expected: str
) -> None:
    assert narrowed(SpecifierSet(known), bounds) == SpecifierSet(expected)


def judgement(verdict: Verdict, *reasons: Reason) -> Judgement:
    return Judgement(verdict=verdict, bindings=(Binding(interface="numpy-c-api", reasons=reasons),))


FITS = judgement(
    Verdict.VALID, NumpySeriesFits(accepts=(1, 2), offered=1, target="1.23", release="1.26.4")
)
TOO_OLD = judgement(Verdict.INVALID, NumpyTooOld(target="1.23", release="1.22"))
ABI_2 = judgement(Verdict.INVALID, NumpyAbiRefused(accepts=(1,), offered=2, release="2.0"))
ABI_3 = judgement(Verdict.INVALID, NumpyAbiRefused(accepts=(1,), offered=3, release="3.0"))
UNKNOWN = judgement(Verdict.UNKNOWN)
UNBOUND = Judgement(verdict=Verdict.VALID, general=(NoBinding(looked_for=("numpy",)),))


@pytest.mark.parametrize(
    ("older", "newer", "verdict"),
    [
        (FITS, FITS, Verdict.VALID),
        (TOO_OLD, TOO_OLD, Verdict.INVALID),
        (ABI_2, ABI_2, Verdict.INVALID),
        (ABI_2, ABI_3, None),
        (TOO_OLD, FITS, None),
        (TOO_OLD, ABI_2, None),
        (FITS, ABI_2, None),
        (UNKNOWN, UNKNOWN, None),
        # That two hold no name of it says nothing of the one between.
        (UNBOUND, UNBOUND, None),
    ],
)  # fmt: skip
def test_only_numbers_that_grow_tell_of_versions_between(
    older: Judgement, newer: Judgement, verdict: Verdict | None
) -> None:
    assert told_between(older, newer) is verdict
