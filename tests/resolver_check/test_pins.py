"""Over which versions of a provider a wheel is known to stay valid; few are read for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from backend_shim.errors import InvalidWheel
from backend_shim.wheel.archive import WheelArchive
from resolver_check.compare.version_ranges import ProviderRange
from resolver_check.conditional import Rules
from resolver_check.model import EvidenceLevel, Verdict
from resolver_check.pins import known_range
from resolver_check.scan.subject import Subject
from resolver_check.sources.series_file import read_promises, shipped_promises
from tests.resolver_check.conftest import Factory, Open
from tests.support.read_sets import read_of, record

RULES = Rules(level=EvidenceLevel.PROMISED)
FEATURES = {"1.22": 0xF, "1.23": 0x10, "1.24": 0x10, "1.25": 0x11, "1.26": 0x11}


@pytest.fixture
def ask(open_subject: Open) -> Callable[..., ProviderRange]:
    def known(
        consumer: Path, *providers: Path, rules: Rules = RULES, **options: object
    ) -> ProviderRange:
        @contextmanager
        def opened(wheel: Path) -> Iterator[Subject]:
            with WheelArchive.open(wheel) as archive:
                yield Subject(archive)

        candidates = {
            Version(wheel.name.split("-")[1]): (lambda wheel=wheel: opened(wheel))
            for wheel in providers
        }
        name = canonicalize_name(providers[0].name.split("-")[0])
        return known_range(open_subject(consumer), name, candidates, rules, **options)  # type: ignore[arg-type]

    return known


def numpies(make: Factory) -> list[Path]:
    old = [make.numpy(f"{of}.0", abi=0x01000009, api=api) for of, api in FEATURES.items()]
    return [*old, make.numpy_2("2.0.2"), make.numpy_2("2.1.0"), make.numpy_2("2.2.0")]


def test_two_numpies_tell_of_all_where_both_ends_fit(
    make: Factory, ask: Callable[..., ProviderRange]
) -> None:
    found = ask(make.for_both("taker"), *numpies(make)[1:])
    assert [str(version) for version, _ in found.judged] == ["1.23.0", "2.2.0"]
    assert len(found.versions(Verdict.VALID)) == 7
    assert found.specifier == SpecifierSet(">=1.23.0")


def test_the_first_numpy_that_fits_and_the_first_that_does_not_are_searched_for(
    make: Factory, ask: Callable[..., ProviderRange]
) -> None:
    old = [make.numpy(f"1.{minor}.0", abi=0x01000009, api=0xD) for minor in range(10, 23)]
    found = ask(make.for_numpy_1("taker"), *old, *numpies(make)[1:])
    assert found.specifier == SpecifierSet(">=1.19.0,<2.0.2")
    assert 2 * len(found.judged) < len(old) + 7
    assert not found.not_read
    assert not found.versions(Verdict.UNKNOWN)


def test_without_the_wheel_it_was_built_with_unchanged_files_prove_nothing(
    make: Factory, ask: Callable[..., ProviderRange]
) -> None:
    found = ask(make.linked(), make.library("1.0"), make.library("1.1"))
    assert found.is_bound
    assert found.specifier is None
    assert len(found.versions(Verdict.UNKNOWN)) == 2


def test_versions_with_the_interface_files_of_the_one_built_with_fit_and_no_newer_one(
    make: Factory, ask: Callable[..., ProviderRange]
) -> None:
    changed = "long gift_open(void);\nint gift_shut(void);\n"
    gifts = [
        make.library("1.0", soname="libgift.so.0"),
        *(make.library(version) for version in ("1.1", "1.2")),
        make.library("1.3", header=changed),
    ]
    found = ask(make.linked(), *gifts, built="1.1")
    assert found.specifier == SpecifierSet(">=1.1,<=1.2")
    assert found.versions(Verdict.INVALID) == (Version("1.0"),)
    assert found.versions(Verdict.UNKNOWN) == (Version("1.3"),)


@pytest.mark.parametrize(("last_change", "expected"), [("major", ">=1.1,<2"), ("1.0", ">=1.1")])
def test_a_promise_reaches_as_far_as_it_says(
    last_change: str,
    expected: str,
    make: Factory,
    ask: Callable[..., ProviderRange],
    tmp_path: Path,
) -> None:
    promise = tmp_path / "promise.toml"
    promise.write_text(
        '[[series]]\nprovider = "gift"\nname = "linking"\nversions = ">=1"\n'
        f'last-change = "{last_change}"\nlast-addition = "minor"\n'
    )
    promises = replace(shipped_promises(), given=read_promises(promise))
    # The headers differ, so only the promise tells.
    gifts = [
        make.library(f"1.{minor}.0", header=f"int gift_open(char[{minor}]);\n")
        for minor in (1, 2, 3)
    ]
    rules = replace(RULES, promises=promises)
    found = ask(make.linked(), *gifts, built="1.1.0", rules=rules)
    assert found.specifier == SpecifierSet(expected.replace(">=1.1", ">=1.1.0"))


def test_the_record_says_with_which_version_it_was_built(
    make: Factory, ask: Callable[..., ProviderRange]
) -> None:
    gifts = [make.library("1.1"), make.library("1.2")]
    taker = record(make.linked(), read_of(gifts[0], "gift/include/gift.h"))
    found = ask(taker, *gifts, built="9.9")
    assert found.built == "1.1"
    assert found.versions(Verdict.VALID) == (Version("1.1"), Version("1.2"))


def test_no_more_are_read_than_allowed_and_the_others_are_not_known(
    make: Factory, ask: Callable[..., ProviderRange]
) -> None:
    gifts = [make.library(f"1.{minor}") for minor in range(6)]
    found = ask(make.linked(), *gifts, built="1.3", most_read=3, first=[Version("1.2")])
    assert [str(version) for version, _ in found.judged] == ["1.2", "1.3", "1.5"]
    assert [str(version) for version in found.not_read] == ["1.0", "1.1", "1.4"]
    assert found.specifier == SpecifierSet(">=1.2,<=1.5,!=1.4")


def test_a_version_without_a_wheel_is_in_a_range_only_if_numbers_tell(
    make: Factory, ask: Callable[..., ProviderRange]
) -> None:
    beside = [Version(each) for each in ("0.9", "1.1", "1.24.9", "2.1.1", "3.0")]
    promised = ask(make.for_both("taker"), *numpies(make)[1:], beside=beside)
    assert promised.specifier == SpecifierSet(">=1.23.0")
    by_files = ask(make.linked(), make.library("1.0"), make.library("1.2"), built="1.0",
                   beside=beside)  # fmt: skip
    assert [str(each) for each in by_files.not_read] == ["1.1"]
    assert by_files.specifier == SpecifierSet(">=1.0,<=1.2,!=1.1")


def test_a_provider_that_it_does_not_touch_binds_nothing(
    make: Factory, ask: Callable[..., ProviderRange]
) -> None:
    others = [make.pure("other", version=f"{major}.0") for major in range(5)]
    found = ask(make.linked(), *others)
    assert not found.is_bound
    # The newest and the oldest tell so much.
    assert len(found.judged) == 2


def test_a_version_that_cannot_be_read_is_not_known(make: Factory, open_subject: Open) -> None:
    def broken() -> None:
        raise InvalidWheel("gift-1.0.whl", "is no zip")

    gift = canonicalize_name("gift")
    found = known_range(open_subject(make.linked()), gift, {Version("1.0"): broken}, RULES)  # type: ignore[dict-item]
    assert found.versions(Verdict.UNKNOWN) == (Version("1.0"),)
    assert found.specifier is None
