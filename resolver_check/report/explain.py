"""One sentence per reason. The only place where a reason becomes words."""

from __future__ import annotations

from typing import Final

from backend_shim.interfaces.reasons import Reason
from resolver_check.report.sentences import by_name, general, linking, numpy_c_api

_SENTENCES: Final = (
    general.sentence,
    linking.sentence,
    numpy_c_api.sentence,
    by_name.sentence,
)


def explain(reason: Reason) -> str:
    """What `reason` says, for a reader who knows wheels but not this program."""
    for sentence in _SENTENCES:
        if (found := sentence(reason)) is not None:
            return found
    # A reason of a third party's interface comes with data only.
    data = ", ".join(f"{key}={value}" for key, value in reason.data().items())
    return f"{reason.kind}: {data}"
