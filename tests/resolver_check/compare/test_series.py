"""The rule of a series, and what it makes of a judgement."""

from __future__ import annotations

from dataclasses import replace

import pytest
from packaging.version import Version

from backend_shim.interfaces.provider import Declaration, Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence
from backend_shim.record.series import Series
from resolver_check.compare.series import fits, series_reasons
from tests.support.binding_factory import provider

CAPSULE = Declaration(module="gift", name="gift._C_API")


def _series(change: str, addition: str, name: str = "gift._C_API", *, exact: bool = True) -> Series:
    return Series(name=name, last_change=change, last_addition=addition, is_exact=exact)


def _gift(version: str, *series: Series) -> Provider:
    return replace(provider("gift", version), series=series)


def _binding(*declarations: Declaration, interface: str = "import-name") -> Binding:
    return Binding(interface=interface, reasons=(), declarations=declarations or (CAPSULE,))


def _kinds(binding: Binding, old: Provider, new: Provider, built: str | None = None) -> list[str]:
    return [reason.kind for reason in series_reasons(binding, old, new, built=built)]


@pytest.mark.parametrize(
    ("built", "release", "change", "addition", "does_fit"),
    [
        ("1.0", "3.0", "1.0", "3.0", True),
        ("2.5", "3.0", "1.0", "3.0", True),
        ("0.9", "3.0", "1.0", "3.0", False),
        ("1.0rc1", "3.0", "1.0", "3.0", False),
        # Nothing was added between 3.0 and 3.2: whoever was built with 3.2 used none of it.
        ("3.1", "3.2", "1.0", "3.0", True),
        ("3.2", "3.2", "1.0", "3.0", True),
        # A newer one may have used what this release does not have.
        ("3.3", "3.2", "1.0", "3.0", False),
        # A file may speak of releases that do not have yet what it says.
        ("3.0", "2.9", "1.0", "3.0", False),
        ("2.8", "2.9", "1.0", "3.0", True),
        ("3.0", "2.9", "3.0", "3.0", False),
        ("2.8", "2.9", "3.0", "3.0", False),
    ],
)
def test_a_series_fits_from_its_last_change_to_its_last_addition(
    built: str, release: str, change: str, addition: str, does_fit: bool
) -> None:
    assert fits(Version(built), Version(release), _series(change, addition)) is does_fit


def test_a_release_that_tells_what_it_added_can_be_replaced_by_an_older_one() -> None:
    old = _gift("3.3", _series("1.0", "3.0"))
    new = _gift("3.1", _series("1.0", "3.0"))
    assert _kinds(_binding(), old, new) == ["series-fits"]
    assert _kinds(_binding(), _gift("3.3", _series("1.0", "3.2")), new) == [
        "series-promises-nothing"
    ]
    assert _kinds(_binding(), _gift("3.3"), new) == ["series-promises-nothing"]


def test_a_change_between_is_seen_from_either_side() -> None:
    """The numbers of the older release alone would fit: it knows nothing of the later change."""
    before, after = _gift("1.5", _series("1.0", "1.0")), _gift("3.0", _series("2.0", "1.0"))
    assert _kinds(_binding(), before, after) == ["series-broken"]
    assert _kinds(_binding(), after, before) == ["series-promises-nothing"]


@pytest.mark.parametrize(
    ("name", "interface", "declaration", "kinds"),
    [
        ("gift._C_API", "import-name", CAPSULE, ["series-fits"]),
        ("gift", "import-name", CAPSULE, ["series-fits"]),
        ("gift._C", "import-name", CAPSULE, []),
        ("gift._C_API.inner", "import-name", CAPSULE, []),
        ("linking", "import-name", CAPSULE, []),
        ("linking", "linking", Declaration(None, "gift_open"), ["series-fits"]),
        ("gift_open", "linking", Declaration(None, "gift_open"), []),
        ("cython", "cython", Declaration("gift.api", "gift.api"), ["series-fits"]),
    ],
)
def test_what_a_series_speaks_of(
    name: str, interface: str, declaration: Declaration, kinds: list[str]
) -> None:
    new = _gift("3.0", _series("1.0", "2.0", name))
    assert _kinds(_binding(declaration, interface=interface), _gift("2.0"), new) == kinds


def test_the_closest_name_counts() -> None:
    new = _gift("3.0", _series("1.0", "2.0", "gift"), _series("3.0", "3.0"))
    assert _kinds(_binding(), _gift("2.0"), new) == ["series-broken"]
    new = _gift("3.0", _series("3.0", "3.0", "gift"), _series("1.0", "2.0"))
    assert _kinds(_binding(), _gift("2.0"), new) == ["series-fits"]


def test_a_binding_that_nothing_declares_is_not_promised() -> None:
    bare = Binding(interface="linking", reasons=())
    new = _gift("3.0", _series("1.0", "2.0", "linking"), _series("1.0", "2.0", "gift"))
    assert _kinds(bare, _gift("2.0"), new) == []


def test_a_promise_of_a_part_supports_nothing_and_may_break_it() -> None:
    both = _binding(CAPSULE, Declaration("gift", "gift.other"))
    assert _kinds(both, _gift("2.0"), _gift("3.0", _series("1.0", "2.0"))) == []
    assert _kinds(both, _gift("2.0"), _gift("3.0", _series("3.0", "3.0"))) == ["series-broken"]
    whole = (_series("1.0", "2.0"), _series("1.0", "2.0", "gift.other"))
    assert _kinds(both, _gift("2.0"), _gift("3.0", *whole)) == ["series-fits", "series-fits"]


def test_what_a_policy_allows_is_no_break() -> None:
    new = _gift("3.0", _series("3", "3.0", exact=False))
    assert _kinds(_binding(), _gift("2.0"), new) == ["series-promises-nothing"]


@pytest.mark.parametrize(
    ("built", "is_recorded", "kind"),
    [(None, False, "series-fits"), ("0.9", True, "series-broken"), ("2.0", True, "series-fits")],
)
def test_the_record_says_what_it_was_built_with_or_the_old_provider_stands_for_it(
    built: str | None, is_recorded: bool, kind: str
) -> None:
    new = _gift("3.0", _series("1.0", "2.0"))
    (reason,) = series_reasons(_binding(), _gift("1.0"), new, built=built)
    assert reason.kind == kind
    assert reason.data()["built"] == (built or "1.0")
    assert reason.data()["is_recorded"] is is_recorded


@pytest.mark.parametrize(("old", "new"), [("", "3.0"), ("tomorrow", "3.0"), ("1.0", "tomorrow")])
def test_versions_that_are_none_prove_nothing(old: str, new: str) -> None:
    assert _kinds(_binding(), _gift(old), _gift(new, _series("1.0", "2.0"))) == []


def test_a_local_version_label_is_no_later_release() -> None:
    new = _gift("9.1+cu12", _series("9", "9.1"))
    assert _kinds(_binding(), _gift("9.1.1+cu13", _series("9", "9.1")), new) == ["series-fits"]


def test_only_what_fits_is_evidence_and_only_a_change_refuses() -> None:
    new = _gift("3.0", _series("1.0", "2.0"))
    (fitting,) = series_reasons(_binding(), _gift("1.0"), new, built=None)
    assert (fitting.effect, fitting.evidence) == (Effect.SUPPORTS, Evidence.PROMISE)
    (broken,) = series_reasons(_binding(), _gift("0.1"), new, built=None)
    assert (broken.effect, broken.evidence) == (Effect.REFUSES, None)
    (open_,) = series_reasons(_binding(), _gift("4.0"), new, built=None)
    assert (open_.effect, open_.evidence) == (Effect.OPEN, None)
