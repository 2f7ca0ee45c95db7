"""What providers promise of their interfaces."""

from __future__ import annotations

from backend_shim.interfaces.reasons import Reason
from resolver_check.compare import series


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case series.SeriesFits():
            return (
                f"{_built(reason)}; the provider promises that {reason.name} has not changed since "
                f"{reason.last_change} and has all up to {reason.last_addition}"
            )
        case series.SeriesBroken():
            return (
                f"{_built(reason)}; the provider says that it changed {reason.name} "
                f"in {reason.last_change}"
            )
        case series.SeriesPromisesNothing():
            return (
                f"{_built(reason)}; what {reason.release} promises of {reason.name} reaches "
                f"only from {reason.last_change} to {reason.last_addition}"
            )
    return None


def _built(
    reason: series.SeriesFits | series.SeriesBroken | series.SeriesPromisesNothing,
) -> str:
    return f"it {'was built' if reason.is_recorded else 'works'} with {reason.built}"
