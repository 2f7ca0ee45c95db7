"""`resolver-check show`: what a wheel's records say, or what its binaries tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from backend_shim.fingerprinting import recorded_build_inputs
from backend_shim.errors import InvalidRecord
from backend_shim.record.canonical import JSONValue
from backend_shim.record.fingerprint import AbiFingerprint
from backend_shim.wheel.archive import WheelArchive
from resolver_check.cli.options import echo_json, format_option
from resolver_check.scan.subject import Subject
from resolver_check.sources import open_wheel_url


@click.command("show")
@click.argument("wheel", metavar="WHEEL_OR_URL")
@format_option
def show_command(wheel: str, output_format: str) -> int:
    """Show the records of a wheel; without records, what can be derived from its binaries."""
    with _opened(wheel) as archive:
        subject = Subject(archive)
        fingerprint = subject.fingerprint()
        try:
            inputs = recorded_build_inputs(archive)
        except InvalidRecord as error:
            inputs = None
            click.echo(f"resolver-check: {archive.name}: build inputs: {error}", err=True)
        if output_format == "json":
            inputs_json: JSONValue = json.loads(inputs.to_json()) if inputs else None
            echo_json(
                {
                    "wheel": subject.filename,
                    "name": subject.name,
                    "version": subject.version,
                    "derived": [note.why for note in subject.notes],
                    "fingerprint": json.loads(fingerprint.to_json()),
                    "build_inputs": inputs_json,
                }
            )
        else:
            for line in _lines(subject, fingerprint, has_inputs=inputs is not None):
                click.echo(line)
    return 0


@contextmanager
def _opened(wheel: str) -> Iterator[WheelArchive]:
    if wheel.startswith(("http://", "https://")):
        with open_wheel_url(wheel) as archive:
            yield archive
    else:
        with WheelArchive.open(Path(wheel)) as archive:
            yield archive


def _lines(subject: Subject, fingerprint: AbiFingerprint, *, has_inputs: bool) -> Iterator[str]:
    yield f"{subject.name} {subject.version} ({subject.filename})"
    for note in subject.notes:
        yield f"  derived from the binaries: {note.why}"
    yield f"  build inputs: {'recorded' if has_inputs else 'not recorded'}"
    if fingerprint.is_purelib:
        yield "  no binaries"
    for each in fingerprint.objects:
        grafted = ", grafted" if each.is_grafted else ""
        yield (
            f"  {each.path}: {each.kind}{grafted}, {each.format} {each.machine}, "
            f"exports {each.exported.count}, imports {each.imported.count}"
        )
    for lost in fingerprint.unread:
        yield f"  {lost.path}: unread: {lost.why}"
    for title, listed in (("provides", fingerprint.provides), ("requires", fingerprint.requires)):
        for interface in listed:
            facts = json.dumps(interface.facts.thaw(), sort_keys=True)
            shown = facts if len(facts) <= 160 else facts[:157] + "..."
            yield f"  {title} {interface.interface} ({interface.basis.value}): {shown}"
