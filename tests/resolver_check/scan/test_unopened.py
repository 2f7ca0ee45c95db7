"""A wheel of which a record is published: what is asked of that, and what of the wheel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from backend_shim.embed import embed
from backend_shim.interfaces import import_name
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import AbiFingerprint
from backend_shim.wheel.archive import WheelArchive
from resolver_check.check import Bump, judge
from resolver_check.model import EvidenceLevel, Verdict
from resolver_check.scan.subject import Subject, Unopened
from resolver_check.sources.published_record import PublishedRecord
from tests.resolver_check.conftest import Factory, Open

Publish = Callable[..., Subject]


@pytest.fixture
def opened() -> list[str]:
    """The wheels that were opened."""
    return []


@pytest.fixture
def publish(open_subject: Open, opened: list[str]) -> Iterator[Publish]:
    """The subject of a wheel whose published record is changed by `changes`."""
    with ExitStack() as stack:

        def run(path: Path, looked_for: tuple[str, ...] = (), **changes: object) -> Subject:
            whole = open_subject(path)
            record = PublishedRecord(
                name=whole.name,
                version=whole.version,
                requirements=tuple(map(str, whole.requirements)),
                binding_names=whole.binding_names,
                modules=None,
                recorded=whole.recorded,
                derived=whole.derived(looked_for),
                build_inputs=whole.build_inputs,
            )

            def open_archive() -> WheelArchive:
                opened.append(path.name)
                return stack.enter_context(WheelArchive.open(path))

            wheel = Unopened(
                filename=path.name,
                record=replace(record, **changes),  # type: ignore[arg-type]
                open=open_archive,
            )
            return Subject(wheel, open_archive)

        yield run


@pytest.fixture
def bump(make: Factory, open_subject: Open) -> Bump:
    return Bump(open_subject(make.numpy_1()), open_subject(make.numpy_2()))


def verdict(consumer: Subject, bump: Bump) -> Verdict:
    return judge(consumer, bump, level=EvidenceLevel.PROMISED).verdict


def wrong(fingerprint: AbiFingerprint) -> AbiFingerprint:
    """The same, with facts of the names searched for that cannot be decoded."""
    return replace(
        fingerprint,
        requires=tuple(
            replace(each, facts=Facts({"looked_for": 1})) if each.interface == import_name.NAME
            else each
            for each in fingerprint.requires
        ),
    )  # fmt: skip


@pytest.mark.parametrize("is_recorded", [True, False], ids=["own", "derived"])
def test_a_consumer_is_judged_unopened(
    make: Factory, publish: Publish, bump: Bump, opened: list[str], is_recorded: bool
) -> None:
    for path, expected in (
        (make.for_numpy_1("old"), Verdict.INVALID), (make.for_both("both"), Verdict.VALID)
    ):  # fmt: skip
        if is_recorded:
            embed(path, build_inputs=None, looked_for=("numpy",))
        assert verdict(publish(path, ("numpy",)), bump) is expected
    assert opened == []


def test_a_published_record_that_is_not_its_own_is_told(
    make: Factory, publish: Publish, bump: Bump
) -> None:
    consumer = publish(make.for_both("both"), ("numpy",))
    verdict(consumer, bump)
    assert [note.kind for note in consumer.notes] == ["derived"]
    assert consumer.recorded is None


@pytest.mark.parametrize(
    "missing", ["a name", "an interface"], ids=["not searched for", "not asked for"]
)
def test_what_is_not_answered_is_read_from_the_binaries(
    make: Factory, publish: Publish, bump: Bump, opened: list[str], missing: str
) -> None:
    path = make.for_numpy_1("old")
    consumer = publish(path, ("other",) if missing == "a name" else ("numpy",))
    if missing == "an interface":
        derived = replace(consumer.derived(("numpy",)), interfaces=("linking",))
        consumer = publish(path, derived=derived)
    assert verdict(consumer, bump) is Verdict.INVALID
    assert opened == [path.name]


@pytest.mark.parametrize("which", ["recorded", "derived"])
def test_a_published_record_that_is_wrong_makes_nothing_valid(
    make: Factory, publish: Publish, bump: Bump, opened: list[str], which: str
) -> None:
    path = make.for_numpy_1("old")
    embed(path, build_inputs=None, looked_for=("numpy",))
    good = publish(path, ("numpy",))
    assert good.recorded is not None
    if which == "recorded":
        consumer = publish(path, recorded=wrong(good.recorded), derived=None)
    else:
        consumer = publish(path, recorded=None, derived=wrong(good.derived(("numpy",))))
    assert verdict(consumer, bump) is Verdict.INVALID
    assert opened == [path.name]


def test_who_binds_to_it_is_told_unopened(
    make: Factory, publish: Publish, open_subject: Open, opened: list[str]
) -> None:
    path = make.for_both("both")
    whole = open_subject(path).provider()
    provider = publish(path, ("numpy",), modules=whole.modules).provider()
    assert (provider.modules, provider.binding_names) == (whole.modules, whole.binding_names)
    assert provider.provided == whole.provided
    assert opened == []


def test_a_provider_is_opened_for_its_files(
    make: Factory, publish: Publish, open_subject: Open, opened: list[str]
) -> None:
    path = make.library("1.0")
    embed(path, build_inputs=None, looked_for=())
    published, whole = publish(path), open_subject(path)
    mine, theirs = published.provider(), whole.provider()
    assert opened == [path.name]
    assert (mine.modules, mine.binding_names) == (theirs.modules, theirs.binding_names)
    assert mine.read_symbols() == theirs.read_symbols()
    assert published.interface_tree(frozenset()).files == whole.interface_tree(frozenset()).files
    assert published.installed_digests == whole.installed_digests
