"""Where an interpreter has its packages: asked of it, since only it knows."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from resolver_check.errors import UsageError
from resolver_check.sources.interpreter_paths import answer

# Asked without `site` (-S), whose `.pth` files may hold code; what that does first is done here:
# the prefix of a virtual environment is where the nearest pyvenv.cfg lies (PEP 405). The rest is
# as `python -m installer` has it: `headers` are not in sysconfig (python/cpython#88611), and a
# prefix stands for both `base` and `platbase`. Of Linux the C library counts as well (PEP 600 and
# 656), of which `sysconfig` says nothing.
_ASK: Final = """\
import json, os, sys
above = os.path.dirname(os.path.abspath(sys.executable))
for place in (above, os.path.dirname(above)):
    if os.path.isfile(os.path.join(place, "pyvenv.cfg")):
        sys.prefix = sys.exec_prefix = place
        break
import sysconfig
prefix = sys.argv[1] if len(sys.argv) > 1 else None
of = {} if prefix is None else {"base": prefix, "platbase": prefix}
paths = sysconfig.get_paths(vars=of)
base = sysconfig.get_config_var("base") if prefix is None else prefix
paths["headers"] = sysconfig.get_path("include", vars={"installed_base": base})
platform = sysconfig.get_platform()
if platform.startswith("linux-"):
    try:
        version = os.confstr("CS_GNU_LIBC_VERSION").split()[1].split(".")
        libc = "_".join(["manylinux", *version[:2]])
    except (AttributeError, IndexError, OSError, ValueError):
        libc = "musllinux"
    platform = platform.replace("linux", libc, 1).replace("-", "_")
elif platform.startswith("macosx-"):
    # Of an interpreter for two machines it is the one on which it runs.
    platform = platform.replace("universal2", os.uname().machine)
print(json.dumps({"paths": paths, "executable": sys.executable, "platform": platform}))
"""
_SILENT: Final = "does not say where its packages are"
# The launchers of scripts, by what `sysconfig.get_platform` answers on Windows.
_LAUNCHERS: Final = {
    "win-amd64": "win-amd64",
    "win-arm64": "win-arm64",
    "win-arm32": "win-arm",
    "win32": "win-ia32",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallScheme:
    """The paths of one interpreter, as they are when it runs."""

    paths: Mapping[str, str]
    """Of purelib, platlib, scripts and data; of `headers` the folder above each project's."""
    executable: str
    """For the first line of scripts."""
    platform: str
    """As `sysconfig.get_platform` spells it, of macOS with the machine, and of Linux with the C
    library: the newest tag for glibc (`manylinux_2_36_x86_64`), or `musllinux_x86_64`."""

    @property
    def launcher(self) -> str:
        """The kind of scripts, a `LauncherKind` of `installer`."""
        return _LAUNCHERS.get(self.platform, "posix")

    @property
    def libraries(self) -> tuple[Path, ...]:
        """The paths of purelib and platlib, each once."""
        return tuple(dict.fromkeys(Path(self.paths[name]) for name in ("purelib", "platlib")))

    def for_project(self, name: str) -> dict[str, str]:
        """The paths by the names of schemes, as `installer` wants them."""
        names = ("purelib", "platlib", "scripts", "data")
        own = str(Path(self.paths["headers"], name))
        return {**{scheme: self.paths[scheme] for scheme in names}, "headers": own}


def scheme_of(python: Path, prefix: str | None = None) -> InstallScheme:
    """The scheme of the interpreter `python`, with another prefix where one is given.

    Raises UsageError.
    """
    arguments = [] if prefix is None else [prefix]
    said = answer(str(python), _ASK, *arguments, silent=_SILENT)
    try:
        told = json.loads(said)
        return InstallScheme(
            paths={key: str(value) for key, value in told["paths"].items()},
            executable=str(told["executable"] or python),
            platform=str(told["platform"]),
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(f"{python}: {_SILENT}") from error


def below(destdir: Path | None, path: Path) -> Path:
    """`path` as it lies below a staging directory, which is the root of a system to come."""
    if destdir is None:
        return path
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - does not follow links, as `installer`
    return destdir / absolute.relative_to(absolute.anchor)
