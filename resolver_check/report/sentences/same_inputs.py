"""What the build read of the provider."""

from __future__ import annotations

from backend_shim.interfaces.reasons import Reason
from resolver_check.compare import same_inputs
from resolver_check.report.sentences.listing import some


def sentence(reason: Reason) -> str | None:
    """What `reason` says, if it is one of these."""
    match reason:
        case same_inputs.ReadFilesUnchanged():
            return (
                f"same inputs: {_files(reason.files)} that its build read of the provider "
                f"{'is' if reason.files == 1 else 'are'} unchanged; "
                f"declared in {some(reason.declared_in)}"
            )
        case same_inputs.ReadFilesChanged():
            return (
                f"of the files that its build read of the provider ({reason.files}) "
                f"these are not as they were: {some(reason.changed)}"
            )
        case same_inputs.OtherFilesFound():
            return f"a rebuild might read other files than its build did: {some(reason.found)}"
    return None


def _files(number: int) -> str:
    return "the one file" if number == 1 else f"all {number} files"
