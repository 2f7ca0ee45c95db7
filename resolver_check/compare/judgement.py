"""The rule for one consumer and one bump (design: verdicts, "Evidence").

One refused binding makes the wheel invalid. It is valid only if every binding is covered by
evidence that the policy accepts; what is open makes it unknown, and nothing that is merely absent
makes it valid.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from backend_shim.errors import InterfaceFailed
from backend_shim.interfaces.header import compare_scope
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Binding, Effect, Reason
from backend_shim.interfaces.table import INTERFACES, interface_named
from backend_shim.record.fingerprint import AbiFingerprint
from resolver_check.compare.same_inputs import (
    BuiltFrom,
    ReadTrees,
    files_to_compare,
    with_same_inputs,
)
from resolver_check.compare.series import series_reasons
from resolver_check.model import (
    EvidenceLevel,
    InterfaceUnknown,
    Judgement,
    NoBinding,
    PlugInFailed,
    PureConsumer,
    UnreadBinary,
    Verdict,
)

CompareTypes: TypeAlias = Callable[[Binding], tuple[Reason, ...]]
"""Given a binding by linking: what the types of its symbols in both providers say."""


def judge_fingerprints(  # noqa: PLR0913 - all that a judgement may rest on, none of it with another
    consumer: AbiFingerprint,
    old: Provider,
    new: Provider,
    *,
    level: EvidenceLevel,
    read_trees: ReadTrees,
    compare_types: CompareTypes | None = None,
    general: Iterable[Reason] = (),
    wheel: str = "consumer",
    built: str | None = None,
    built_from: BuiltFrom | None = None,
) -> Judgement:
    """The judgement of a consumer's fingerprint against one provider's bump.

    `general` are reasons that were found before (notes, or what could not be read), `wheel` is how
    reasons name the consumer, `built` the provider's version that it was built with, where its
    record says so, and `built_from` what it read of it, where the record has all of that. The
    interface files are read only for that or if a binding has no other accepted evidence, and types
    are compared only if those do not decide either. Raises InvalidRecord for facts that have not
    the shape of their interface.
    """
    if consumer.is_purelib:
        # A rebuild of a wheel without binaries has nothing to bind, whatever else was found.
        return Judgement(verdict=Verdict.VALID, general=(PureConsumer(), *general))
    found = [*general, *_unread(consumer, wheel)]
    bindings: list[Binding] = []
    for required in consumer.requires:
        interface = interface_named(required.interface)
        if interface is None:
            found.append(InterfaceUnknown(interface=required.interface))
            continue
        try:
            bindings += interface.is_satisfied(required.facts, old, new)
        except InterfaceFailed as error:
            found.append(PlugInFailed(interface=error.interface, why=error.wrong))
    if built_from is not None:
        bindings, notes = with_same_inputs(bindings, built_from, read_trees)
        found += notes
    bindings = [_with_promises(each, old, new, built) for each in bindings]
    read = files_to_compare(built_from)
    bindings = _with_interface_files(bindings, level, read_trees, read)
    if compare_types is not None:
        bindings = [_with_types(each, level, compare_types) for each in bindings]
    if not bindings and not any(each.effect is Effect.OPEN for each in found):
        names = tuple(sorted(old.binding_names | new.binding_names))
        found.append(NoBinding(looked_for=names))
    return Judgement(
        verdict=verdict_of(bindings, found, level), bindings=tuple(bindings), general=tuple(found)
    )


def _unread(consumer: AbiFingerprint, wheel: str) -> Iterable[Reason]:
    for each in consumer.unread:
        yield UnreadBinary(wheel=wheel, path=each.path, why=each.why)


def _with_promises(binding: Binding, old: Provider, new: Provider, built: str | None) -> Binding:
    """`binding` with what the new provider promises of it, unless it is refused already."""
    if is_refused(binding):
        return binding
    promised = series_reasons(binding, old, new, built=built)
    for interface in INTERFACES:
        if interface.vouches is not None and interface.provider == new.name:
            vouched = interface.vouches(binding, old, new, built)
            promised += () if vouched is None else (vouched,)
    return replace(binding, reasons=(*binding.reasons, *promised)) if promised else binding


def _with_interface_files(
    bindings: list[Binding],
    level: EvidenceLevel,
    read_trees: ReadTrees,
    read: Collection[str] | None,
) -> list[Binding]:
    """`bindings`, those that nothing else decides with what the provider's interface files say."""
    undecided = [
        each
        for each in bindings
        if each.declarations and not is_refused(each) and not is_covered(each, level)
    ]
    if not undecided:
        return bindings
    wanted = {
        declaration.name
        for each in undecided
        for declaration in each.declarations
        if declaration.module is None
    }
    old_tree, new_tree = read_trees(frozenset(wanted))
    found = {
        each: compare_scope(each.declarations, old_tree, new_tree, read=read) for each in undecided
    }
    return [
        replace(each, reasons=(*each.reasons, found[each])) if each in found else each
        for each in bindings
    ]


def _with_types(binding: Binding, level: EvidenceLevel, compare_types: CompareTypes) -> Binding:
    """`binding`, if it is of symbols and nothing else decides, with what their types say."""
    if not binding.symbols or is_refused(binding) or is_covered(binding, level):
        return binding
    return replace(binding, reasons=(*binding.reasons, *compare_types(binding)))


def is_refused(binding: Binding) -> bool:
    """Whether a reason says that the binding does not hold."""
    return any(each.effect is Effect.REFUSES for each in binding.reasons)


def is_covered(binding: Binding, level: EvidenceLevel) -> bool:
    """Whether accepted evidence says that the binding holds."""
    return any(_is_accepted(each, level) for each in binding.reasons)


def verdict_of(
    bindings: Sequence[Binding], general: Sequence[Reason], level: EvidenceLevel
) -> Verdict:
    """What `bindings` and the `general` reasons come to at `level`."""
    effects = {each.effect for each in general}
    if Effect.REFUSES in effects or any(map(is_refused, bindings)):
        return Verdict.INVALID
    if Effect.OPEN in effects or not all(is_covered(each, level) for each in bindings):
        return Verdict.UNKNOWN
    # That there is no binding needs evidence like everything else.
    if bindings or any(_is_accepted(each, level) for each in general):
        return Verdict.VALID
    return Verdict.UNKNOWN


def _is_accepted(reason: Reason, level: EvidenceLevel) -> bool:
    return reason.effect is Effect.SUPPORTS and reason.evidence in level.accepted
