"""The judge's evidence on abi-compliance-checker's own regression tests, beside abidiff.

The installed RegTests.pm of abi-compliance-checker (ABICC) documents about 250 changes of a C or
C++ library, harmful and harmless. Each is taken by itself: provider 1 and provider 2 are wheels
with that library and its header, the consumer is linked to version 1 and takes every symbol of it.
The label is ABICC's verdict on headers and libraries. "Agreed" are the pairs on which abidiff with
debug information agrees with it; ABICC counts `register`, or a result that becomes const, as
harmful, which breaks no binary.

Judged at each kind of evidence, and named where it calls a harmful change valid:

  headers    libraries stripped, headers in the wheels
  types      the same, types recorded at build time by `backend-shim`, then stripped and stamped
  abidiff    headers and unstripped libraries, so that the judge may ask abidiff, too
  symbols    libraries stripped, no headers, `--evidence symbols`

and as baseline abidiff itself on the two libraries, where only status 0 counts as harmless. The
agreed pairs are in its favour by construction.

Exit status 1 where headers or types call a change valid that both tools call harmful. Nothing is
installed: without the tools it says which, and ends with 0.

    python benchmarks/abi_test_set.py [--jobs N] [--every N]
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from backend_shim.binary import read_elf
from backend_shim.binary.debug_info import is_readable
from backend_shim.embed import embed
from backend_shim.wheel.archive import WheelArchive
from resolver_check.check import Bump, judge
from resolver_check.model import EvidenceLevel, Verdict
from resolver_check.scan.subject import Subject

REGRESSION_TESTS = Path("/usr/share/abi-compliance-checker/modules/Internals/RegTests.pm")
TOOLS = ("abi-compliance-checker", "abidiff", "gcc", "g++", "strip")
INSTALL = "apt-get install -y abi-compliance-checker abigail-tools universal-ctags gcc g++ binutils"
TAG = "cp311-cp311-manylinux_2_17_x86_64"
SECONDS = 30
# A title, or a piece of the header or the source of version 1 or 2, in the Perl source.
_PIECE = re.compile(
    r'\$(?P<what>HEADER|SOURCE)(?P<version>[12])\s*\.=\s*"(?P<text>(?:\\.|[^"\\])*)";'
    r'|^[ \t]*#[ \t]+(?P<title>[^\s$"][^\n]*)$',
    re.MULTILINE | re.DOTALL,
)
_CODE = re.compile(r"[;{}]\s*$|^(?:class|virtual|int|public|typedef|T |double)")
_VERSIONS = {
    "1": "VERSION_1.0 { unchangedDefaultVersion; removedDefaultVersion; };"
    " VERSION_2.0 { changedDefaultVersion; }; VERSION_3.0 { changedVersionToNonDefault; };",
    "2": "VERSION_1.0 { unchangedDefaultVersion; changedVersionToDefault; };"
    " VERSION_2.0 { addedDefaultVersion; }; VERSION_3.0 { changedDefaultVersion; };",
}


@dataclass
class Change:
    """One documented change."""

    title: str
    language: str
    pieces: dict[str, str] = field(default_factory=dict)


@dataclass
class Outcome:
    """What every tool said of one change: whether it is harmless."""

    change: Change
    abicc: bool
    abidiff: bool
    said: dict[str, bool]

    @property
    def is_agreed(self) -> bool:
        return self.abicc == self.abidiff


def changes() -> Iterator[Change]:
    """The documented changes, C before C++."""
    text = REGRESSION_TESTS.read_text()
    for routine, language in (("testC", "c"), ("testCpp", "c++")):
        start = text.index(f"sub {routine}()")
        found: list[Change] = []
        for match in _PIECE.finditer(text, start, text.index("runTests(", start)):
            if match["title"]:
                if not _CODE.search(match["title"]):
                    found.append(Change(match["title"].strip(), language))
            elif found:
                key = match["what"] + match["version"]
                pieces = found[-1].pieces
                pieces[key] = pieces.get(key, "") + _unescaped(match["text"])
        yield from (each for each in found if each.pieces)


def _unescaped(text: str) -> str:
    """A double-quoted string of Perl; the two variables in it are for Windows."""
    text = text.replace("$DECL_SPEC", "").replace("$EXTERN", "")
    return re.sub(
        r"\\(.)",
        lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]),
        text,
        flags=re.DOTALL,
    )


def run(command: Sequence[str], folder: Path) -> int | None:
    """The exit status of a command; None if it took too long. ABICC leaves children behind."""
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        return process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def build_library(change: Change, version: str, folder: Path) -> bool:
    """Write header and source, and compile them with debug information; whether that works."""
    folder.mkdir()
    parts = {what: change.pieces.get(what + version, "") for what in ("HEADER", "SOURCE")}
    if change.language == "c++" and change.title != "Class outside namespace":
        parts = {what: f"namespace TestNS {{\n{text}\n}}\n" for what, text in parts.items()}
    suffix = "c" if change.language == "c" else "cpp"
    (folder / "libsample.h").write_text(parts["HEADER"] + "\n")
    source = f'#include <stdlib.h>\n#include "libsample.h"\n{parts["SOURCE"]}\n'
    (folder / f"libsample.{suffix}").write_text(source)
    command = ["gcc" if suffix == "c" else "g++", "-shared", "-fPIC", "-g", "-Og", "-w"]
    command += ["-Wl,-soname,libsample.so", "-o", "libsample.so", f"libsample.{suffix}"]
    if ".symver" in source or "ersion" in change.title:
        (folder / "versions").write_text(_VERSIONS[version])
        command.append("-Wl,--version-script=versions")
    return run(command, folder) == 0


def build_consumer(folder: Path) -> bool:
    """Link an extension module to version 1 that takes every symbol of it."""
    library = folder / "1" / "libsample.so"
    names = sorted({each.name for each in read_elf(library.read_bytes()).exported})
    rows = "\n".join(f'extern char s{at} __asm__("{name}");' for at, name in enumerate(names))
    used = ", ".join(f"&s{at}" for at in range(len(names)))
    text = f"{rows}\nvoid *const used[] = {{{used}}};\nint PyInit_use(void) {{ return 0; }}\n"
    (folder / "use.c").write_text(text)
    command = ["gcc", "-shared", "-fPIC", "-w", "-o", "use.so", "use.c", str(library)]
    return bool(names) and run(command, folder) == 0


def make_wheel(folder: Path, name: str, version: str, files: Mapping[str, bytes]) -> Path:
    """A wheel of `files`."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    members = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {TAG}\n".encode(),
    }
    rows = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()[:43]},"
        f"{len(data)}"
        for path, data in members.items()
    ]
    members[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    wheel = folder / f"{name}-{version}-{TAG}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in members.items():
            archive.writestr(path, data)
    return wheel


def abicc_says(change: Change, folder: Path) -> bool | None:
    """Whether ABICC calls the two versions compatible; None without a verdict."""
    for version in "12":
        place = folder / version
        (folder / f"{version}.xml").write_text(
            f"<version>{version}</version><headers>{place}/libsample.h</headers>"
            f"<libs>{place}/libsample.so</libs><include_paths>{place}</include_paths>"
        )
    command = ["abi-compliance-checker", "-l", "libsample", "-old", "1.xml", "-new", "2.xml"]
    command += ["-binary", "-xml", "-report-path", "report.xml", "-log-path", "log", "-quiet"]
    command += ["-lang", "C", "-cxx-incompatible"] if change.language == "c" else ["-lang", "C++"]
    run(command, folder)
    report = folder / "report.xml"
    verdict = re.search(r"<verdict>(\w+)", report.read_text()) if report.exists() else None
    return None if verdict is None else verdict[1] == "compatible"


def judged(consumer: Path, old: Path, new: Path, level: EvidenceLevel) -> bool:
    """Whether the judge calls the consumer valid."""
    with contextlib.ExitStack() as stack:
        asked, before, after = (
            Subject(stack.enter_context(WheelArchive.open(each))) for each in (consumer, old, new)
        )
        return judge(asked, Bump(before, after), level=level).verdict is Verdict.VALID


def wheels_of(folder: Path, kind: str, *, header: bool, stripped: bool, types: bool) -> list[Path]:
    """The two wheels of the provider."""
    found = []
    for version in "12":
        library = folder / version / "libsample.so"
        bare = folder / version / "stripped.so"
        shutil.copyfile(library, bare)
        subprocess.run(["strip", str(bare)], check=True)
        files = {"provider/__init__.py": b""}
        if header:
            text = (folder / version / "libsample.h").read_bytes()
            files["provider/include/libsample.h"] = text
        place = folder / kind
        name = "provider/lib/libsample.so"
        wheel = make_wheel(place, "provider", version, {**files, name: library.read_bytes()})
        if types:
            embed(wheel, build_inputs=None, looked_for=())
        if stripped:
            with WheelArchive.open(wheel) as archive:
                kept = {
                    each.name: archive.read(each.name)
                    for each in archive.members
                    if "/wheel_abi_" in each.name
                }
            wheel = make_wheel(
                place, "provider", version, {**files, **kept, name: bare.read_bytes()}
            )
        if types:
            embed(wheel, build_inputs=None, looked_for=())
        found.append(wheel)
    return found


def evidence() -> dict[str, Callable[[Path, Path], bool]]:
    """By kind of evidence, whether the judge calls the consumer in a folder valid with it."""
    promised, symbols = EvidenceLevel.PROMISED, EvidenceLevel.SYMBOLS

    def asked(kind: str, level: EvidenceLevel, **how: bool) -> Callable[[Path, Path], bool]:
        return lambda folder, consumer: judged(
            consumer, *wheels_of(folder, kind, **how), level=level
        )

    return {
        "headers": asked("headers", promised, header=True, stripped=True, types=False),
        "types": asked("types", promised, header=True, stripped=True, types=True),
        "abidiff": asked("abidiff", promised, header=True, stripped=False, types=False),
        "symbols": asked("symbols", symbols, header=False, stripped=True, types=False),
    }


def outcome(change: Change, folder: Path) -> Outcome | None:
    """What everybody says of one change; None where it does not stand alone or has no label."""
    folder.mkdir()
    if not all(build_library(change, version, folder / version) for version in "12"):
        return None
    if not build_consumer(folder):
        return None
    label = abicc_says(change, folder)
    if label is None:
        return None
    module = {"consumer/use.cpython-311-x86_64-linux-gnu.so": (folder / "use.so").read_bytes()}
    consumer = make_wheel(folder, "consumer", "1", module)
    said = {kind: ask(folder, consumer) for kind, ask in evidence().items()}
    options = ["abidiff", "--no-default-suppression"]
    said["abidiff alone"] = run([*options, "1/libsample.so", "2/libsample.so"], folder) == 0
    said["abidiff stripped"] = run([*options, "1/stripped.so", "2/stripped.so"], folder) == 0
    return Outcome(change=change, abicc=label, abidiff=said["abidiff alone"], said=said)


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Per language and kind of evidence: harmful called valid, harmless kept, recall."""
    yield f"{'':4} {'evidence':17} {'harmful called valid':>24} {'harmless kept':>22} {'recall':>7}"
    for language in ("c", "c++"):
        mine = [each for each in outcomes if each.change.language == language]
        for kind in mine[0].said if mine else ():
            harmful = [each for each in mine if not each.abicc]
            harmless = [each for each in mine if each.abicc]
            missed = [each for each in harmful if each.said[kind]]
            kept = [each for each in harmless if each.said[kind]]
            yield (
                f"{language:4} {kind:17} {_of_agreed(missed, harmful):>24} "
                f"{_of_agreed(kept, harmless):>22} {1 - len(missed) / len(harmful):7.2f}"
            )


def _of_agreed(part: Sequence[Outcome], whole: Sequence[Outcome]) -> str:
    agreed = [each for each in whole if each.is_agreed]
    ours = sum(each.is_agreed for each in part)
    return f"{len(part)}/{len(whole)} (agreed {ours}/{len(agreed)})"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--every", type=int, default=1, help="take every Nth change only")
    arguments = parser.parse_args()
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing or not REGRESSION_TESTS.exists() or not is_readable():
        print(f"skipped: {', '.join(missing) or 'RegTests.pm or pyelftools'} is not installed")
        print(f"  {INSTALL}; pip install 'wheel-abi[types]'")
        return 0
    every = list(changes())[:: arguments.every]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(arguments.jobs) as executor:
        folders = [Path(name, str(at)) for at in range(len(every))]
        outcomes = [each for each in executor.map(outcome, every, folders) if each is not None]
    print(f"{len(every)} changes, {len(outcomes)} of them stand alone and have a verdict of ABICC")
    print("\n".join(table(outcomes)))
    wrong = False
    for kind in ("headers", "types", "abidiff"):
        for each in outcomes:
            if each.said[kind] and not each.abicc:
                wrong = wrong or (each.is_agreed and kind != "abidiff")
                who = "both tools" if each.is_agreed else "ABICC alone"
                print(
                    f"{kind}: valid, harmful to {who}: {each.change.language} {each.change.title}"
                )
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
