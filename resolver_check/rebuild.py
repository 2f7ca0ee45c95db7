"""Builds wheels anew from their sdists, by the standard front end, with what a plan demands.

This runs the code of what is built, as every build does; nothing else of resolver_check does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from resolver_check.errors import ResolverCheckError, SourceUnavailable
from resolver_check.sources.netrc_text import netrc_text
from resolver_check.sources.sdists import SdistSource, sdist_of
from resolver_check.sources.web_address import Credentials
from resolver_check.target import Target
from resolver_check.wheel_reference import SkippedFile, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """How one build ended."""

    wheel: Path | None
    """None where it failed."""
    log: Path


class Running:
    """The builds that run now; threads share it."""

    def __init__(self) -> None:
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._is_stopped = False

    @contextmanager
    def begun(
        self, command: Sequence[str], output: int, environ: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A build in a session of its own; with the block it ends, with all that it started."""
        with self._lock:
            if self._is_stopped:
                raise SourceUnavailable("the build", "was not begun")
            process = subprocess.Popen(  # noqa: S603 - to build is what was asked for
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environ,
                start_new_session=True,
            )
            self._processes.add(process)
        try:
            yield process
        finally:
            _end(process)
            with self._lock:
                self._processes.discard(process)

    def stop(self) -> None:
        """End them all, and begin no other."""
        with self._lock:
            self._is_stopped = True
            for process in self._processes:
                _kill(process)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """How wheels are built, and where they go."""

    sdists: SdistSource
    python: str
    """An interpreter that has `build`; wheels are for it."""
    out: Path
    find_links: Sequence[Path]
    """Directories in which build requirements are looked for beside pip's indexes."""
    constraints: Sequence[str]
    """Lines of a constraints file: which versions, or which files, of build requirements."""
    target: Target
    """What the wheels have to be for."""
    indexes: Sequence[tuple[str, Credentials | None]] = ()
    """URLs, without credentials, of the indexes that stand beside pip's; and what these are asked
    with, if that is not in netrc."""
    timeout: int | None = None
    """Seconds for one build."""
    _running: Running = field(default_factory=Running)

    def stop(self) -> None:
        """End all builds, and begin no other."""
        self._running.stop()

    def build(self, name: NormalizedName, version: Version) -> BuildResult:
        """Build the wheel of one release; what is said meanwhile goes into a log of its own."""
        logs = self.out / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        log = logs / f"{name}-{version}.log"
        with tempfile.TemporaryDirectory(dir=self.out, prefix=".building-") as made:
            place = Path(made)
            with log.open("wb") as output:
                try:
                    tree = self._unpacked(name, version, place)
                    self._run(tree, place, output.fileno())
                    wheel = self._the_wheel(place / "dist", name, version)
                except (ResolverCheckError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
                    output.seek(0, os.SEEK_END)
                    output.write(f"\n{error}\n".encode())
                    return BuildResult(wheel=None, log=log)
            return BuildResult(wheel=wheel.replace(self.out / wheel.name), log=log)

    def _unpacked(self, name: NormalizedName, version: Version, place: Path) -> Path:
        archive = self.sdists.fetch_sdist(sdist_of(self.sdists, name, version), place)
        tree = place / "source"
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(tree)  # noqa: S202 - cuts off `..` and roots by itself
        else:
            with tarfile.open(archive) as packed:
                packed.extractall(tree, filter="data")  # PEP 706
        # "The top-level directory is {name}-{version}" (source distribution format).
        inner = [path for path in tree.iterdir() if path.is_dir()]
        if len(inner) != 1:
            raise SourceUnavailable(archive.name, "does not hold one directory")
        return inner[0]

    def _run(self, tree: Path, place: Path, output: int) -> None:
        constraints = place / "constraints.txt"
        constraints.write_text("".join(f"{line}\n" for line in self.constraints), "utf-8")
        # pip splits both at white space, which no URL has.
        links = [path.absolute().as_uri() for path in self.find_links]
        environ = {
            **os.environ,
            "PIP_CONSTRAINT": _before("PIP_CONSTRAINT", constraints.absolute().as_uri()),
            "PIP_FIND_LINKS": _before("PIP_FIND_LINKS", *links),
            "PIP_EXTRA_INDEX_URL": _before(
                "PIP_EXTRA_INDEX_URL", *(url.replace(" ", "%20") for url, _ in self.indexes)
            ),
        }
        logins = [(url, login) for url, login in self.indexes if login is not None]
        command = [self.python, "-m", "build", "--wheel", "--outdir", str(place / "dist")]
        with (
            _in_netrc(logins) as variables,
            self._running.begun([*command, str(tree)], output, environ | variables) as process,
        ):
            try:
                status = process.wait(self.timeout)
            except subprocess.TimeoutExpired as error:
                wrong = f"took more than {self.timeout} seconds"
                raise SourceUnavailable("the build", wrong) from error
        if status:
            raise SourceUnavailable("the build", f"ended with status {status}")

    def _the_wheel(self, directory: Path, name: NormalizedName, version: Version) -> Path:
        found = list(directory.glob("*.whl"))
        if len(found) != 1:
            raise SourceUnavailable("the build", f"made {len(found)} wheels")
        read = parse(found[0].name, location=str(found[0]))
        if isinstance(read, SkippedFile) or (read.name, read.version) != (name, version):
            raise SourceUnavailable("the build", f"made {found[0].name} and not {name} {version}")
        if not read.tags & self.target.tags:
            wanted = f"CPython {'.'.join(map(str, self.target.python))}"
            wrong = f"made {found[0].name}, which is not for {wanted} on {self.target.platform}"
            raise SourceUnavailable("the build", wrong)
        return found[0]


@contextmanager
def _in_netrc(logins: Sequence[tuple[str, Credentials]]) -> Iterator[dict[str, str]]:
    """The variable by which pip finds them, in a file that is the user's alone.

    Not in the URL: pip hands that to its own subprocesses as an argument, which all can see. Nor
    beside the wheels: whoever is killed leaves the file.
    """
    if not logins:
        yield {}
        return
    with tempfile.TemporaryDirectory() as made:
        path = Path(made, "netrc")
        with open(path, "w", encoding="utf-8", opener=_for_me_only) as netrc:
            netrc.write(netrc_text(logins, _netrc_of_user()))
        yield {"NETRC": str(path)}


def _for_me_only(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_EXCL, 0o600)


def _netrc_of_user() -> str:
    """What the user's own netrc says, as requests would find it; empty if it cannot be read."""
    named = os.environ.get("NETRC")
    for path in [Path(named)] if named else [Path.home() / ".netrc", Path.home() / "_netrc"]:
        with suppress(OSError, ValueError):
            return path.read_text("utf-8")
    return ""


def _before(variable: str, *texts: str) -> str:
    """The list `texts` before what the user's environment has in `variable`."""
    return " ".join([*texts, *os.environ.get(variable, "").split()])


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        _kill(process)
        process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the build with all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
