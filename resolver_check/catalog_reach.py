"""How far one bump reaches into a catalog: which wheels have to be judged for it, and by what.

A selected wheel that is not reached is valid: either it holds no binary, or its binaries were
searched for all by which an interface finds the provider, and show nothing of it. Each interface
that is known gives no binding then; wheels for which that cannot be said are reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import cached_property
from typing import Final

from packaging.requirements import Requirement

from backend_shim.errors import InvalidRecord, InvalidWheel
from backend_shim.interfaces import capsule, sip
from backend_shim.interfaces.linking.facts import NAME as LINKING
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.table import all_interfaces
from resolver_check.catalog_facts import library_names
from resolver_check.catalog_observed import AloneObserved, Explained
from resolver_check.check import Bump, tags_meet, unreadable
from resolver_check.columns import Mask
from resolver_check.conditional import Rules
from resolver_check.errors import SourceUnavailable, UsageError
from resolver_check.model import CatalogSilent, Judgement, NoBinding, PureConsumer, Verdict
from resolver_check.plan import open_bump, without_new_wheel
from resolver_check.plan_model import ResolvedBump
from resolver_check.removal import Removal
from resolver_check.scan.consumer import CataloguedWheel, Consumer
from resolver_check.scan.subject import open_subject
from resolver_check.sources.catalog_selection import CatalogWheel, is_changed
from resolver_check.sources.catalog_traces import TracedSelection, Traces
from resolver_check.sources.wheel_source import WheelSource
from resolver_check.target import Target

_PURE: Final = Judgement(verdict=Verdict.VALID, general=(PureConsumer(),))
_UNSEARCHED: Final = "its binaries were not searched for all names of the provider"


class CatalogBump:
    """One bump, and the selected wheels that it reaches. Raises SourceUnavailable."""

    def __init__(
        self, selection: TracedSelection, bump: ResolvedBump, rules: Rules, target: Target
    ) -> None:
        self.bump = bump
        self._selection = selection
        self._rules = rules
        self._target = target
        self._opened: Bump | Removal | None = None
        self._unusable: Judgement | None = None
        self._source: WheelSource | None = None
        self.names = frozenset[str]()
        self._unsearched = selection.none()
        self._unasked = selection.none()
        self._alone: AloneObserved | None = None
        self.reached = selection.binary
        """Without anything to judge by: all that could be bound."""

    def open(self, source: WheelSource, stack: ExitStack, *, reads_wheels: bool) -> None:
        """Read the wheels of the bump, where they lie, and find whom it reaches.

        With `reads_wheels` others are opened when they are judged, if the catalog is silent.
        """
        self._source = source if reads_wheels else None
        try:
            self._check_places()
            self._opened = open_bump(source, self.bump, stack, self._rules, self._target)
            self.reached = self._reached_by(self._opened)
        except (InvalidWheel, SourceUnavailable) as error:
            wheels = [each.filename for each in (self.bump.old, self.bump.new) if each]
            self._unusable = unreadable(" or ".join(wheels), error.wrong)

    def not_reached(self, *, is_pure: bool) -> Judgement:
        """The verdict on every selected wheel that is not reached."""
        return _PURE if is_pure else self._unbound

    def judge(self, wheel: CatalogWheel, read: Callable[[], CataloguedWheel | None]) -> Judgement:
        """The verdict on a selected wheel; `read` gives its facts, None if they cannot be used."""
        number, filename = wheel.number, wheel.reference.filename
        if not self.reached[number]:
            return self.not_reached(is_pure=not self._selection.binary[number])
        if self._unusable is not None:
            return self._unusable
        if wheel.unreadable is not None:
            return unreadable(filename, wheel.unreadable)
        alone = self._alone if isinstance(self._opened, Bump) else None
        if alone is not None and (judgement := alone.judgement(wheel)) is not None:
            return judgement
        if self._unsearched[number] and isinstance(self._opened, Bump):
            return self._silent(wheel, _UNSEARCHED)
        if (consumer := read()) is None:
            return self._silent(wheel, "its facts are damaged")
        if self._opened is None:
            return without_new_wheel(consumer, self.bump.request)
        if self._unasked[number]:
            return self._silent(wheel, "an interface that is known now was not asked about")
        judgement = self._judged(consumer, self._opened)
        if self._unsearched[number] and judgement.verdict is not Verdict.INVALID:
            # Whoever requires what is gone is invalid whatever its binaries hold.
            return self._silent(wheel, _UNSEARCHED)
        return judgement

    def _judged(self, consumer: Consumer, opened: Bump | Removal) -> Judgement:
        try:
            return self._rules.judge(consumer, opened)
        except (InvalidWheel, SourceUnavailable, UsageError) as error:
            return unreadable(consumer.filename, error.wrong)

    def _silent(self, wheel: CatalogWheel, why: str) -> Judgement:
        filename = wheel.reference.filename
        if self._source is None or self._opened is None:
            silent = CatalogSilent(wheel=filename, why=why)
            return Judgement(verdict=Verdict.UNKNOWN, general=(silent,))
        try:
            with open_subject(self._source, wheel.reference) as subject:
                return self._judged(subject, self._opened)
        except (InvalidWheel, SourceUnavailable) as error:
            return unreadable(filename, error.wrong)

    @cached_property
    def _unbound(self) -> Judgement:
        reason = NoBinding(looked_for=tuple(sorted(self.names)))
        return Judgement(verdict=Verdict.VALID, general=(reason,))

    def _check_places(self) -> None:
        for wheel in self._selection.of_project(self.bump.request.name):
            if wheel.reference in (self.bump.old, self.bump.new) and is_changed(wheel):
                raise InvalidWheel(wheel.reference.filename, "is not what was scanned any more")

    def _reached_by(self, opened: Bump | Removal | None) -> Mask:
        if opened is None:
            return self._selection.binary
        if isinstance(opened, Bump):
            return self._bound_to(opened)
        requiring = self._selection.requiring_to_install(opened.name)
        found = self._selection.none()
        found[[wheel for wheel, lines in requiring.items() if self._applies(lines)]] = True
        if opened.unchanged is None:
            return found | self._selection.binary
        return found | self._bound_to(opened.unchanged)

    def _applies(self, lines: Iterable[str]) -> bool:
        return any(self._target.applies(Requirement(line)) for line in lines)

    def _bound_to(self, bump: Bump) -> Mask:
        selection = self._selection
        self.names = bump.binding_names
        if bump.unread or self._rules.strict:
            return selection.binary
        self._unsearched = selection.unsearched(self.names)
        self._unasked = selection.unasked([each.name for each in all_interfaces()])
        explained = Explained(bump)
        observed = selection.observed(bump.name)
        otherwise = (
            self._unsearched
            | self._unasked
            | selection.unread()
            | selection.tracing(traces_of(bump), explained)
            # A module of that interface's is bound to whatever else explains its name.
            | (selection.using((sip.NAME,)) & selection.binary)
        )
        for number, tags in selection.tags.items():
            if not tags_meet(tags, bump.new.tags):
                otherwise |= selection.with_tags(number)
        self._alone = AloneObserved(bump, selection, self._rules.level, observed, otherwise)
        found: Mask = otherwise.copy()
        found[list(observed)] = True
        return found


def traces_of(bump: Bump) -> Traces:
    """What binding to either version leaves in a consumer. Raises InvalidWheel."""
    try:
        versions = (bump.before, bump.after)
        libraries = [library_names(each.provided.get(LINKING)) for each in versions]
        return Traces(
            project=bump.name,
            names=bump.binding_names,
            whole_names=frozenset().union(
                *(
                    each.modules | capsule.tables_in(each.provided.get(capsule.NAME))
                    for each in versions
                )
            ),
            libraries=frozenset().union(*libraries),
            symbols=frozenset().union(*(_symbols(each) for each in versions if any(libraries))),
            provides=frozenset().union(*(each.provided for each in versions)),
        )
    except InvalidRecord as error:
        raise InvalidWheel(bump.new.filename, f"its record is wrong: {error}") from error


def _symbols(provider: Provider) -> frozenset[str]:
    return frozenset(symbol.name for each in provider.symbols.objects for symbol in each.symbols)
