"""How `resolver_check` answers the test vectors: `python -m tests.spec.answers.checker`."""

from __future__ import annotations

from tests.spec.answers import inputs, interfaces, plans, records, verdicts
from tests.spec.answers.loop import answer_all

ANSWERS = {
    "compare": interfaces.compare,
    "series": interfaces.series,
    "inputs": inputs.compare_inputs,
    "locate": records.locate_by_subject,
    "judge": verdicts.judge_bindings,
    "judge_wheels": verdicts.judge_wheels,
    "plan": plans.plan,
}

if __name__ == "__main__":
    answer_all(ANSWERS)
