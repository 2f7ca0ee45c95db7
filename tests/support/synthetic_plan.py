"""A rebuild plan of any size over wheels that never were, with what a real one has in it."""

from __future__ import annotations

import random
from dataclasses import replace

from packaging.utils import canonicalize_name
from packaging.version import Version

from backend_shim.interfaces.numpy_c_api import (
    NumpyAbiRefused,
    NumpySeriesFits,
    NumpyTargetUnknown,
)
from backend_shim.interfaces.reasons import Binding, Reason
from resolver_check.graph.waves import waves
from resolver_check.model import (
    Derived,
    EvidenceLevel,
    Judgement,
    NoBinding,
    PureConsumer,
    UnreadBinary,
    Verdict,
)
from resolver_check.plan_model import (
    Action,
    PlannedWheel,
    RebuildPlan,
    RequestedBump,
    ResolvedBump,
)
from resolver_check.target import target
from resolver_check.wheel_reference import WheelReference, parse

NUMPY = canonicalize_name("numpy")
TAG = "cp311-cp311-manylinux_2_28_x86_64"


def reference(name: str, version: str, tag: str = TAG) -> WheelReference:
    """A wheel that a source would list."""
    filename = f"{name.replace('-', '_')}-{version}-{tag}.whl"
    found = parse(filename, location=f"/wheels/{filename}")
    assert isinstance(found, WheelReference)
    return found


def judgement(verdict: Verdict, *bound: Reason, general: tuple[Reason, ...] = ()) -> Judgement:
    """One that stands on a single binding to NumPy's C API, or on none."""
    bindings = (Binding(interface="numpy_c_api", reasons=bound),) if bound else ()
    return Judgement(verdict=verdict, bindings=bindings, general=general)


def plan_of(*wheels: PlannedWheel, skipped: tuple[tuple[str, str], ...] = ()) -> RebuildPlan:
    """`wheels` after a bump of numpy, with the waves that they make."""
    built = {each.reference.filename for each in wheels if each.action is not Action.KEEP}
    edges = {each.reference.filename: {*each.requires, *each.waits_for} for each in wheels}
    ordered = waves(built, edges)
    wave_of = {name: at for at, wave in enumerate(ordered, 1) for unit in wave for name in unit}
    return RebuildPlan(
        target=target("3.11", "manylinux_2_28_x86_64"),
        level=EvidenceLevel.PROMISED,
        bumps=(
            ResolvedBump(
                request=RequestedBump(name=NUMPY, new=Version("2.0.2")),
                old=reference("numpy", "1.26.4"),
                new=reference("numpy", "2.0.2"),
            ),
        ),
        wheels=tuple(replace(each, wave=wave_of.get(each.reference.filename)) for each in wheels),
        waves=ordered,
        skipped=skipped,
    )


def synthetic_plan(size: int) -> RebuildPlan:
    """A plan of `size` wheels, always the same; few are required by many, as on a real index."""
    draw = random.Random(5)
    made: list[PlannedWheel] = []
    for number in range(size):
        requires = {
            # The earlier, the more often it is required.
            made[int(number * draw.random() ** 3)].reference.filename
            for _ in range(min(number, draw.choice((0, 1, 2, 3, 5))))
        }
        made.append(_wheel(number, tuple(sorted(requires)), draw))
    for number in range(20, size, 900):
        # Two that require each other are built as one.
        pair = made[number - 1], made[number]
        for at, (each, other) in enumerate((pair, pair[::-1]), number - 1):
            requires = tuple(sorted({*each.requires, other.reference.filename}))
            made[at] = replace(each, requires=requires, **_judged(0.0, draw))
    return plan_of(*_with_conditional(made, draw))


def _wheel(number: int, requires: tuple[str, ...], draw: random.Random) -> PlannedWheel:
    parts = ("data", "image", "geo", "stat", "signal", "table", "core", "fast", "plot", "grid")
    name = f"{draw.choice(parts)}-{draw.choice(parts)}{number}"
    version = f"{draw.randrange(4)}.{draw.randrange(30)}.{draw.randrange(9)}"
    judged = _judged(draw.random(), draw)
    return PlannedWheel(reference=reference(name, version), requires=requires, **judged)


def _judged(chance: float, draw: random.Random) -> dict[str, object]:
    """Action and judgements: a tenth is invalid, a twentieth unknown, the rest valid."""
    derived = Derived(wheel="the consumer", why="it has no record")
    action = Action.REBUILD
    if chance < 0.1:
        refused = NumpyAbiRefused(accepts=(0x01000009,), offered=0x02000000, release="2.0.2")
        found = judgement(Verdict.INVALID, refused, general=(derived,))
    elif chance < 0.13:
        unread = UnreadBinary(
            wheel="the consumer", path="a/b.so", why="the section table ends early"
        )
        found = judgement(Verdict.UNKNOWN, general=(unread,))
    elif chance < 0.15:
        unknown = NumpyTargetUnknown(old_release="1.26.4", release="2.0.2")
        found = judgement(Verdict.UNKNOWN, unknown, general=(derived,))
    elif chance < 0.3:
        fits = NumpySeriesFits(
            accepts=(0x01000009, 0x02000000), offered=0x02000000, target="1.22", release="2.0.2"
        )
        action, found = Action.KEEP, judgement(Verdict.VALID, fits, general=(derived,))
    elif chance < 0.6:
        none = NoBinding(looked_for=("_multiarray_umath", "numpy", "numpy.core"))
        action, found = Action.KEEP, judgement(Verdict.VALID, general=(none, derived))
    else:
        action, found = Action.KEEP, judgement(Verdict.VALID, general=(PureConsumer(),))
    return {"action": action, "judgements": ((NUMPY, found),)}


def _with_conditional(made: list[PlannedWheel], draw: random.Random) -> list[PlannedWheel]:
    """Some of the kept wheels with binaries bind to what they require and is built anew."""
    built: set[str] = set()
    planned = []
    for each in made:
        waits_for = tuple(name for name in each.requires if name in built and draw.random() < 0.5)
        is_pure = each.judgements[0][1].general == (PureConsumer(),)
        if waits_for and each.action is Action.KEEP and not is_pure:
            each = replace(each, action=Action.CONDITIONAL, waits_for=waits_for)  # noqa: PLW2901
        if each.action is not Action.KEEP:
            built.add(each.reference.filename)
        planned.append(each)
    return planned
