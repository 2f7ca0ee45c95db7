"""One sentence per reason. The only place where a reason becomes words."""

from __future__ import annotations

from typing import Final

from backend_shim.interfaces.reasons import Reason
from resolver_check.report.sentences import (
    build_inputs,
    by_name,
    capsule,
    cffi,
    cython,
    general,
    header,
    interpreter,
    linking,
    numpy_c_api,
    plug_ins,
    promised_platform,
    promised_tags,
    same_inputs,
    series,
    shared_types,
    sip,
    symbol_types,
    torch,
)

_SENTENCES: Final = (
    general.sentence,
    plug_ins.sentence,
    linking.sentence,
    symbol_types.sentence,
    numpy_c_api.sentence,
    by_name.sentence,
    header.sentence,
    same_inputs.sentence,
    cython.sentence,
    capsule.sentence,
    cffi.sentence,
    sip.sentence,
    shared_types.sentence,
    series.sentence,
    torch.sentence,
    interpreter.sentence,
    promised_tags.sentence,
    promised_platform.sentence,
    build_inputs.sentence,
)


def explain(reason: Reason) -> str:
    """What `reason` says, for a reader who knows wheels but not this program."""
    for sentence in _SENTENCES:
        if (found := sentence(reason)) is not None:
            return found
    return _own_sentence(reason) or _data_of(reason)


def _own_sentence(reason: Reason) -> str | None:
    """What a reason of a third party's interface says of itself."""
    try:
        text = reason.sentence()
    except Exception:
        # Its code; the data are as good.
        return None
    return " ".join(text.split()) if isinstance(text, str) else None


def _data_of(reason: Reason) -> str:
    data = ", ".join(f"{key}={value}" for key, value in reason.data().items())
    return f"{reason.kind}: {data}"
