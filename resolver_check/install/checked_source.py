"""For other users of `installer`: a source of a wheel that cannot be read where it does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from installer.sources import WheelSource

from backend_shim.wheel.archive import WheelArchive
from resolver_check.compare.interpreter import Python
from resolver_check.conditional import Rules
from resolver_check.errors import DoesNotFit
from resolver_check.install.findings import Findings, judge_installation
from resolver_check.model import EvidenceLevel, Verdict
from resolver_check.report.explain import explain
from resolver_check.scan.environment import open_environment
from resolver_check.scan.subject import Subject

if TYPE_CHECKING:
    from installer.sources import WheelContentElement


class CheckedSource(WheelSource):
    """A `WheelSource` around another one, which gives nothing of a wheel that does not fit.

    Whoever installs it asks for its WHEEL file before anything is written, and gets DoesNotFit:

        from installer import install
        from installer.sources import WheelFile
        from resolver_check.install import CheckedSource

        with WheelFile.open(wheel) as source:
            install(CheckedSource(source, wheel, [site_packages]), destination, {})
    """

    def __init__(
        self,
        source: WheelSource,
        wheel: Path,
        directories: Sequence[Path],
        *,
        beside: Sequence[Path] = (),
        rules: Rules | None = None,
        python: Python | None = None,
        refused: frozenset[Verdict] = frozenset({Verdict.INVALID}),
    ) -> None:
        """`source` reads the file `wheel`, and `directories` is where packages are installed.

        `beside` are wheels that will be installed, too. Verdicts that are `refused` raise; with
        Verdict.UNKNOWN among them so does all that is not known to fit.
        """
        super().__init__(source.distribution, source.version)
        self._source = source
        self._wheel = wheel
        self._directories = directories
        self._beside = beside
        self._rules = rules or Rules(level=EvidenceLevel.PROMISED)
        self._python = python
        self._refused = refused
        self._findings: Findings | None = None

    @property
    def findings(self) -> Findings:
        """What was found, found out once. Raises InvalidWheel, SourceUnavailable, UsageError."""
        if self._findings is None:
            with ExitStack() as stack:
                opened = [
                    Subject(stack.enter_context(WheelArchive.open(path)))
                    for path in (self._wheel, *self._beside)
                ]
                self._findings = judge_installation(
                    opened, open_environment(self._directories), self._rules, python=self._python
                )
        return self._findings

    @property
    def dist_info_dir(self) -> str:
        return self._source.dist_info_dir

    @property
    def data_dir(self) -> str:
        return self._source.data_dir

    @property
    def dist_info_filenames(self) -> list[str]:
        return self._source.dist_info_filenames

    def read_dist_info(self, filename: str) -> str:
        self._check()
        return self._source.read_dist_info(filename)

    def validate_record(self, **options: bool) -> None:
        self._source.validate_record(**options)

    def get_contents(self) -> Iterator[WheelContentElement]:
        self._check()
        return self._source.get_contents()

    def _check(self) -> None:
        """Raises DoesNotFit."""
        verdict = self.findings.verdict
        if verdict in self._refused:
            raise DoesNotFit(self._wheel.name, "; ".join(_why(self.findings, verdict)))


def _why(findings: Findings, verdict: Verdict) -> Iterator[str]:
    for each in findings.fits:
        if each.judgement.verdict is verdict:
            what = f"{each.consumer.name} with {each.provider.name} {each.provider.version}"
            yield f"{what}: {' '.join(explain(reason) for reason in each.judgement.decisive[:1])}"
    if verdict is Verdict.UNKNOWN:
        yield from (f"{each.filename}: {each.why}" for each in findings.skipped)
