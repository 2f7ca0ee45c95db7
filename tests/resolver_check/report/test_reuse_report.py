"""Why a wheel is not reused, in words."""

from __future__ import annotations

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from resolver_check.asked_interpreter import cpython_here
from resolver_check.model import EvidenceLevel
from resolver_check.report.reuse_report import obstacle_lines, reuse_json
from resolver_check.reuse_model import NotReused, Obstacle, ReleaseReuse, Served


def _served(*obstacles: Obstacle) -> Served:
    against = tuple(
        NotReused(filename=f"{number}.whl", obstacle=each, detail=">=9")
        for number, each in enumerate(obstacles)
    )
    return Served(interpreter=cpython_here("3.12", ""), wheel=None, not_reused=against)


def _lines(*obstacles: Obstacle) -> list[str]:
    return [*obstacle_lines(_served(*obstacles), EvidenceLevel.PROMISED)]


@pytest.mark.parametrize("obstacle", Obstacle, ids=lambda each: each.value)
def test_every_obstacle_has_a_sentence(obstacle: Obstacle) -> None:
    (line,) = _lines(obstacle)
    assert line.startswith(("0.whl: ", "1 wheel has no tag"))
    release = ReleaseReuse(
        name=canonicalize_name("demo"), version=Version("1"), served=(_served(obstacle),)
    )
    assert obstacle.value in str(reuse_json([release]))


def test_wheels_for_others_are_counted() -> None:
    lines = _lines(Obstacle.OTHER_TARGET, Obstacle.REQUIRES_PYTHON, Obstacle.OTHER_TARGET)
    assert lines == ["1.whl: it requires Python >=9", "2 wheels have no tag that it accepts"]
