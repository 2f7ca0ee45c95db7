"""libabigail's `abidiff`, where it is installed: two versions of a library, as far as it is used.

It reads debug information that no digest was taken of, and compares what it means, whichever form
of DWARF has it. It is run on files made for it, without the environment, the user's suppressions or
a network, for a bounded time and in bounded memory. What it says counts only if `abidw` finds every
symbol in the debug information of both libraries, since without it `abidiff` compares names. What
it calls harmless counts as a change: among that is a parameter that was a pointer to `const`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backend_shim.interfaces.symbol_types import TypeComparison

TOOLS: Final = ("abidw", "abidiff")
_SECONDS: Final = 120
_MEMORY: Final = 4 << 30
_MAX_TEXT: Final = 1 << 20
_MAX_DUMP: Final = 256 << 20
# abidiff(1), "RETURN VALUES": bits 1 and 2 are failures, 4 says that something changed, 8 that it
# is certainly incompatible. A struct that grew gives 4 alone.
_FAILED: Final = 0b0011
_SYMBOL_ID: Final = re.compile(rb" elf-symbol-id='([^'@]*)")
_CHANGED_NAME: Final = re.compile(r"^ *\[[ACD]\] '(?:function|variable) ([^']*)'", re.MULTILINE)
_PLAIN: Final = re.compile(r"[A-Za-z_.$][\w.$]*", re.ASCII)
_VOID: Final = re.compile(rb"<type-decl name='void' id='([^']*)'")
_OPEN: Final = re.compile(rb"<parameter is-variadic='yes'| is-declaration-only='yes'")


class AbidiffFailed(Exception):
    """It cannot be said what `abidiff` would say, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebuggedLibrary:
    """A library and, where it was stripped, the file with its debug information."""

    path: Path
    build_id: str | None
    debug_file: Path | None


def is_installed() -> bool:
    """Whether both programs are on the path."""
    return all(map(shutil.which, TOOLS))


def version() -> str:
    """Such as `abidiff 2.2.0`."""
    _, text = _run(["abidiff", "--version"])
    return f"abidiff {text.rpartition(':')[2].strip()[:20]}"


def compare_libraries(
    old: DebuggedLibrary, new: DebuggedLibrary, symbols: Collection[str]
) -> TypeComparison:
    """What `abidiff` says of `symbols`, which both libraries export; raises AbidiffFailed."""
    if not all(map(_PLAIN.fullmatch, symbols)):
        raise AbidiffFailed("a symbol has a name that cannot be handed to it")
    with tempfile.TemporaryDirectory(prefix="wheel-abi-") as name:
        folder = Path(name)
        wanted = folder / "symbols"
        wanted.write_text("".join(("[abi_whitelist]\n", *(f"  {each}\n" for each in symbols))))
        dumps = []
        described: set[str] = set(symbols)
        is_closed = True
        for place, library in (("old", old), ("new", new)):
            dump = _dump(library, wanted, folder, place)
            found = {each.decode("utf-8", "replace") for each in _SYMBOL_ID.findall(dump)}
            described &= found
            is_closed = is_closed and _is_closed(dump)
            dumps.append(str(folder / f"{place}.abi"))
        unknown = tuple(sorted(set(symbols) - described))
        if unknown:
            return TypeComparison(changed=(), unknown=unknown, is_closed=False)
        changed = _differences(dumps)
        return TypeComparison(changed=changed, unknown=(), is_closed=is_closed)


def _dump(library: DebuggedLibrary, wanted: Path, folder: Path, place: str) -> bytes:
    out = folder / f"{place}.abi"
    command = ["abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs"]
    command += ["--kmi-whitelist", str(wanted), "--out-file", str(out)]
    if library.debug_file is not None and library.build_id is not None:
        command += ["--debug-info-dir", str(_debug_directory(library, folder / place))]
    status, _ = _run([*command, str(library.path)])
    if status:
        raise AbidiffFailed(f"abidw ended with status {status}")
    try:
        if out.stat().st_size > _MAX_DUMP:
            raise AbidiffFailed(f"abidw wrote more than {_MAX_DUMP >> 20} MiB")
        return out.read_bytes()
    except OSError as error:
        raise AbidiffFailed(f"abidw wrote nothing: {error.strerror}") from error


def _debug_directory(library: DebuggedLibrary, root: Path) -> Path:
    """A directory as debuggers have it: `.build-id/ab/cd….debug` (GDB, "Separate Debug Files")."""
    assert library.build_id is not None
    assert library.debug_file is not None
    first, rest = library.build_id[:2], library.build_id[2:]
    link = root / ".build-id" / first / f"{rest}.debug"
    link.parent.mkdir(parents=True)
    link.symlink_to(library.debug_file.resolve())
    return root


def _is_closed(dump: bytes) -> bool:
    """Whether no data pass without a type, as far as the dump tells."""
    for void in _VOID.findall(dump):
        reference = re.escape(void)
        if re.search(rb"<(?:pointer|qualified)-type-def type-id='" + reference + rb"'", dump):
            return False
    return _OPEN.search(dump) is None


def _differences(dumps: Sequence[str]) -> tuple[str, ...]:
    """The functions and variables that differ, as abidiff spells them."""
    options = ("--no-default-suppression", "--no-corpus-path", "--no-show-locs", "--harmless")
    status, text = _run(["abidiff", *options, *dumps])
    if status < 0 or status & _FAILED:
        raise AbidiffFailed(f"abidiff ended with status {status}")
    if not status:
        return ()
    return tuple(dict.fromkeys(_CHANGED_NAME.findall(text))) or (f"status {status}",)


def _run(command: Sequence[str]) -> tuple[int, str]:
    """The status of a program, and what it prints, or the beginning of that."""
    program = shutil.which(command[0])
    if program is None:
        raise AbidiffFailed(f"{command[0]} is not installed")
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: S603 - a list of arguments and no shell
            [program, *command[1:]],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL,
            # No DEBUGINFOD_URLS, no LIBABIGAIL_* and no HOME with suppressions in it.
            env={"LC_ALL": "C"},
        )  # fmt: skip
        try:
            _limit_memory(process.pid)
            status = process.wait(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            raise AbidiffFailed(f"{command[0]} took more than {_SECONDS} s") from None
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        output.seek(0)
        return status, output.read(_MAX_TEXT).decode("utf-8", "replace")


def _limit_memory(process: int) -> None:
    # Not everywhere; and the process may have ended already.
    with suppress(ImportError, AttributeError, OSError, ValueError):
        import resource  # noqa: PLC0415 - there is none on Windows

        resource.prlimit(process, resource.RLIMIT_AS, (_MEMORY, _MEMORY))
