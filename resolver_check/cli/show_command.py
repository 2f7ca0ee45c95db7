"""`resolver-check show`: what a wheel's records say, or what its binaries tell."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import click

from backend_shim.errors import InvalidRecord
from backend_shim.fingerprinting import recorded_build_inputs, recorded_problems
from backend_shim.interfaces.reasons import Reason
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.canonical import JSONValue
from backend_shim.record.fingerprint import AbiFingerprint
from backend_shim.wheel.archive import WheelArchive
from resolver_check.check import tag_findings
from resolver_check.cli import exit_status
from resolver_check.cli.options import echo_json, echo_lines, format_option, offline_option
from resolver_check.cli.wheel_argument import open_wheel
from resolver_check.model import Derived
from resolver_check.report.explain import explain
from resolver_check.scan.subject import Subject


@click.command("show", short_help="Show what is known of one wheel.")
@click.argument("wheel", metavar="WHEEL_OR_URL")
@offline_option
@format_option
def show_command(wheel: str, is_offline: bool, output_format: str) -> int:
    """Show the records of a wheel; without records, what can be derived from its binaries.

    \b
    Exit status: 0, or 2 wrong usage or unreadable input.
    """
    with open_wheel(wheel, offline=is_offline) as archive:
        subject = Subject(archive)
        fingerprint = subject.fingerprint()
        problems = recorded_problems(archive)
        inputs = _build_inputs(archive)
        findings = _findings(subject, fingerprint)
    if output_format == "json":
        echo_json(
            {
                "wheel": subject.filename,
                "name": subject.name,
                "version": subject.version,
                "derived": _derived(subject),
                "problems": list(problems),
                "findings": [explain(each) for each in findings],
                "fingerprint": json.loads(fingerprint.to_json()),
                "build_inputs": json.loads(inputs.to_json()) if inputs else None,
            }
        )
    else:
        echo_lines(_lines(subject, fingerprint, problems, has_inputs=inputs is not None))
        echo_lines(f"  note: {explain(each)}" for each in findings)
    return exit_status.OK


def _build_inputs(archive: WheelArchive) -> BuildInputs | None:
    try:
        return recorded_build_inputs(archive)
    except InvalidRecord:
        # It is among the problems.
        return None


def _findings(subject: Subject, fingerprint: AbiFingerprint) -> tuple[Reason, ...]:
    try:
        return tag_findings(subject, fingerprint)
    except InvalidRecord as error:
        subject.leave_record(str(error))
        return tag_findings(subject, subject.fingerprint())


def _derived(subject: Subject) -> list[JSONValue]:
    """Why the fingerprint was taken from the binaries; empty where it is the recorded one."""
    return [note.why for note in subject.notes if isinstance(note, Derived)]


def _lines(
    subject: Subject, fingerprint: AbiFingerprint, problems: Iterable[str], *, has_inputs: bool
) -> Iterator[str]:
    yield f"{subject.name} {subject.version} ({subject.filename})"
    for why in _derived(subject):
        yield f"  fingerprint derived from the binaries: {why}"
    for problem in problems:
        yield f"  unusable record: {problem}"
    yield f"  build inputs: {'recorded' if has_inputs else 'not recorded'}"
    if fingerprint.is_purelib:
        yield "  no binaries"
    for each in fingerprint.objects:
        grafted = ", grafted" if each.is_grafted else ""
        yield (
            f"  {each.path}: {each.kind}{grafted}, {each.format} {each.machine}, "
            f"exports {each.exported}, imports {each.imported}"
        )
    for lost in fingerprint.unread:
        yield f"  {lost.path}: unread: {lost.why}"
    for title, listed in (("provides", fingerprint.provides), ("requires", fingerprint.requires)):
        for interface in listed:
            facts = json.dumps(interface.facts.thaw(), sort_keys=True)
            shown = facts if len(facts) <= 160 else facts[:157] + "..."
            yield f"  {title} {interface.interface} ({interface.basis.value}): {shown}"
