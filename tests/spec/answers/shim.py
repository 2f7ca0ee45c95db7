"""How `backend_shim` answers the test vectors: `python -m tests.spec.answers.shim`."""

from __future__ import annotations

from tests.spec.answers import digests, exports, records
from tests.spec.answers.loop import answer_all

ANSWERS = {
    "parse": records.parse,
    "canonicalize": records.canonicalize,
    "version": records.version,
    "locate": records.locate,
    "redact": records.redact,
    "digest": digests.digest,
    "project": exports.project_wheel,
    "export": exports.export,
}

if __name__ == "__main__":
    answer_all(ANSWERS)
