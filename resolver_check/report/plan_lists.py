"""A rebuild plan as other tools read it: requirements for pip and uv, jobs for a CI service."""

from __future__ import annotations

from collections.abc import Iterator

from backend_shim.record.canonical import JSONValue
from resolver_check.plan_model import Action, PlannedWheel, RebuildPlan


def requirement_lines(plan: RebuildPlan) -> Iterator[str]:
    """What is to be rebuilt as a requirements file (pip, "Requirements File Format"), by waves.

    What cannot or may not have to be built stands in comments.
    """
    by_name = {each.reference.filename: each for each in plan.wheels}
    for number, wave in enumerate(plan.waves, start=1):
        yield f"# wave {number}"
        for name in sorted({name for unit in wave for name in unit}):
            yield _requirement(by_name[name])


def job_matrix(plan: RebuildPlan) -> dict[str, JSONValue]:
    """What can be built now, all at the same time: `include` of a job matrix (GitHub, GitLab).

    The next wave is not in it: who belongs to that is known when this one was built.
    """
    jobs: list[JSONValue] = [
        {
            "name": each.reference.name,
            "version": str(each.reference.version),
            "wheel": each.reference.filename,
            "python": ".".join(map(str, plan.target.python)),
            "platform": plan.target.platform,
        }
        for each in plan.ready
    ]
    return {"include": jobs}


def _requirement(each: PlannedWheel) -> str:
    line = f"{each.reference.name}=={each.reference.version}"
    if each.action is not Action.REBUILD:
        return f"# {each.action.value}: {line}"
    return f"# blocked: {line}" if each.blocked_by else line
