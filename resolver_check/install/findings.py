"""Whether wheels fit where they are to be installed, found out before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from resolver_check.check import judge_for_python
from resolver_check.compare.interpreter import Python, TagsRefused
from resolver_check.conditional import Rules
from resolver_check.errors import UsageError
from resolver_check.fitting import Fit, judge_together, release_of, release_of_python
from resolver_check.model import Judgement, Verdict
from resolver_check.report.fitting_report import worst_verdict
from resolver_check.scan.environment import Environment
from resolver_check.scan.subject import Subject
from resolver_check.target import accepted_platforms, platforms_meet
from resolver_check.wheel_reference import SkippedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found of wheels that are to be installed together."""

    fits: tuple[Fit, ...]
    """Each with what is or will be there, in both directions, and with the interpreter."""
    skipped: tuple[SkippedFile, ...] = ()
    """What is installed and cannot be read: whether that fits is not known."""

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        return worst_verdict(self.fits, self.skipped)


def judge_installation(
    wheels: Sequence[Subject],
    environment: Environment,
    rules: Rules,
    *,
    python: Python | None = None,
    platform: str | None = None,
) -> Findings:
    """What would come of `wheels` in `environment`, each in the place of one of its name there.

    `python` is what runs them, and `platform` is as InstallScheme has it; None: not asked.
    Raises UsageError for two wheels of one project, InvalidWheel.
    """
    names = [each.name for each in wheels]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"several wheels of {', '.join(twice)}")
    staying = [each for each in environment.subjects if each.name not in names]
    fits = judge_together([*wheels, *staying], rules, only=frozenset(names))
    if python is not None:
        fits += tuple(_with_python(wheels, rules, python, platform))
    return Findings(fits=fits, skipped=environment.skipped)


def _with_python(
    wheels: Sequence[Subject], rules: Rules, python: Python, platform: str | None
) -> Iterator[Fit]:
    """Also of wheels without binaries, whose tags may be of another Python or platform."""
    interpreter = release_of_python(python)
    for wheel in wheels:
        if platform is None or _is_for(wheel, platform):
            judgement = judge_for_python(wheel, python, level=rules.level, promises=rules.promises)
        else:
            tags = tuple(sorted(map(str, wheel.tags)))
            refused = TagsRefused(tags=tags, python=f"{interpreter.version} on {platform}")
            judgement = Judgement(verdict=Verdict.INVALID, general=(refused,))
        yield Fit(
            consumer=release_of(wheel),
            provider=interpreter,
            judgement=judgement,
            is_declared=True,
        )


def _is_for(wheel: Subject, platform: str) -> bool:
    """Whether a tag of it is of that system and machine, and of no newer glibc than is there."""
    ours = platform.replace("-", "_").replace(".", "_")
    theirs = {tag.platform for tag in wheel.tags}
    if ours.startswith("manylinux_"):
        return not theirs.isdisjoint(("any", *accepted_platforms(ours)))
    if ours.startswith("macosx_") and any(tag.endswith("_universal2") for tag in theirs):
        return True
    # A bare `linux` is of the machine where it was built.
    return ours.removeprefix("musl") in theirs or any(platforms_meet(ours, tag) for tag in theirs)
