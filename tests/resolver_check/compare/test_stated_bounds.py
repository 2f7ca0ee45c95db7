"""What METADATA demands is too loose, too tight, or fits what is known of the versions."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from backend_shim.interfaces.proposed_bounds import Bound
from resolver_check.compare.stated_bounds import Finding, compare_bounds, compare_with_bound


def versions(text: str) -> list[Version]:
    return [Version(each) for each in text.split()]


@pytest.mark.parametrize(
    ("stated", "fits", "refused", "unknown", "finding"),
    [
        (">=1.23", "1.23 2.0", "1.22", "", Finding.FITS),
        (">=1.21", "1.23 2.0", "1.22", "", Finding.TOO_LOOSE),
        ("", "1.23", "2.0", "", Finding.TOO_LOOSE),
        # What crashes outweighs what is not known.
        ("", "1.23", "2.0", "1.24", Finding.TOO_LOOSE),
        (">=1.25", "1.23 2.0", "1.22", "", Finding.TOO_TIGHT),
        ("!=1.24", "1.23 1.24 1.25", "", "", Finding.TOO_TIGHT),
        (">=1.23", "1.23", "", "1.24", Finding.NOT_KNOWN),
        # It admits nothing of what is there.
        (">=3", "1.23", "", "", Finding.NOT_KNOWN),
        # A project may ask for a cap for the sake of its Python code.
        (">=1.23,<2", "1.23 1.24 2.0", "", "", Finding.FITS),
        ("==1.23", "1.22 1.23 1.24", "", "", Finding.TOO_TIGHT),
    ],
)  # fmt: skip
def test_the_finding(stated: str, fits: str, refused: str, unknown: str, finding: Finding) -> None:
    found = compare_bounds(
        SpecifierSet(stated),
        fits=versions(fits),
        refused=versions(refused),
        unknown=versions(unknown),
    )
    assert found.finding is finding


def test_what_a_cap_excludes_is_told_apart_from_what_is_needless() -> None:
    fits = versions("1.22 1.23 1.24 2.0")
    found = compare_bounds(SpecifierSet(">=1.23,<2"), fits=fits, refused=(), unknown=())
    assert (found.needless, found.capped) == ((Version("1.22"),), (Version("2.0"),))


def test_a_provider_that_is_not_required_is_neither_loose_nor_tight() -> None:
    found = compare_bounds(None, fits=versions("1"), refused=versions("2"), unknown=())
    assert found.finding is Finding.NOT_REQUIRED


def bound(*specifiers: str, is_enough: bool = True) -> Bound:
    return Bound(
        interface="numpy-c-api",
        provider="numpy",
        specifiers=specifiers,
        is_enough=is_enough,
        why="so it is",
    )


@pytest.mark.parametrize(
    ("stated", "alone", "finding"),
    [
        (">=1.23", bound(">=1.23"), Finding.FITS),
        (">=1.25,<3", bound(">=1.23"), Finding.FITS),
        ("~=1.25", bound(">=1.23", "<2"), Finding.FITS),
        ("==2.5.1", bound("==2.5.1"), Finding.FITS),
        (">=1.22", bound(">=1.23"), Finding.NOT_KNOWN),
        (">1.22", bound(">=1.23.5"), Finding.NOT_KNOWN),
        (">=1.23", bound(">=1.23", "<2"), Finding.NOT_KNOWN),
        ("", bound(">=1.23"), Finding.NOT_KNOWN),
        ("==2.5.*", bound("==2.5.1"), Finding.NOT_KNOWN),
        (">=1.23", bound(">=1.23", is_enough=False), Finding.NOT_KNOWN),
        ("===strange", bound(">=1.23"), Finding.FITS),
        (">=1.23", None, Finding.NOT_KNOWN),
    ],
)  # fmt: skip
def test_without_an_index_metadata_fits_where_it_admits_nothing_beyond_the_bound(
    stated: str, alone: Bound | None, finding: Finding
) -> None:
    assert compare_with_bound(SpecifierSet(stated), alone).finding is finding
