"""What can be done about a pair that does not fit, as far as the reasons tell."""

from __future__ import annotations

from collections.abc import Iterator

from backend_shim.interfaces import cffi, numpy_c_api, sip
from backend_shim.interfaces.reasons import Effect, Reason
from resolver_check.compare import interpreter, series
from resolver_check.fitting_model import Fit


def remedies(fit: Fit) -> tuple[str, ...]:
    """Ways out, any one of which may do, the cheapest first; none where nothing is refused."""
    refusing = [reason for _, reason in fit.judgement.reasons if reason.effect is Effect.REFUSES]
    if not refusing:
        return ()
    consumer, provider = fit.consumer.name, f"{fit.provider.name} {fit.provider.version}"
    ways = [way for reason in refusing for way in _ways(reason, fit)]
    return tuple(dict.fromkeys((*ways, f"rebuild {consumer} with {provider}")))


def _ways(reason: Reason, fit: Fit) -> Iterator[str]:
    consumer, provider = fit.consumer.name, fit.provider.name
    match reason:
        case numpy_c_api.NumpyAbiRefused():
            accepted = " or ".join(map(str, reason.accepts))
            yield f"install a {provider} with ABI {accepted}"
            yield f"install a {consumer} that accepts ABI {reason.offered}"
        case numpy_c_api.NumpyTooOld():
            yield f"upgrade {provider} to {reason.target} or newer"
        case sip.SipAbiRefused():
            yield f"install a {provider} that offers version {reason.needed} of {reason.module}"
        case cffi.CffiTagRefused():
            yield f"upgrade {provider}"
        case series.SeriesBroken():
            yield f"install a {provider} older than {reason.last_change}"
            yield f"install a {consumer} that was built with {reason.last_change} or newer"
        case interpreter.TagsRefused() | interpreter.ModulesRefused():
            yield f"install a {consumer} that is made for CPython {reason.python}"
        case interpreter.StableAbiTooNew():
            yield f"use CPython {reason.needed} or newer"
            yield f"install a {consumer} that is made for CPython {reason.python}"
        case _:
            yield f"install a {provider} that this {consumer} was built with"
            yield f"install a {consumer} that was built with {provider} {fit.provider.version}"
