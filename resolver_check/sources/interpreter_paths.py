"""What an interpreter says of itself: which CPython it is, and where its distributions lie.

It is asked without `site` (`-S`): a line of a `.pth` file that begins with `import` is code of a
distribution, which nobody has judged yet.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Final

from resolver_check.errors import UsageError

_VERSION: Final = re.compile(r"(\d\.\d{1,3}(?:\.\d{1,3})?(?:(?:a|b|rc)\d{1,3})?)(t?)", re.ASCII)
_WHICH: Final = """\
import sys, sysconfig
version, level = sys.version_info, {"alpha": "a", "beta": "b", "candidate": "rc", "final": ""}
serial = version.serial if version.releaselevel != "final" else ""
assert sys.implementation.name == "cpython", "is " + sys.implementation.name
print("%d.%d.%d%s%s" % (*version[:3], level[version.releaselevel], serial),
      "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else "", sep="")
"""
# What `site.main` does before it reads `.pth` files: the prefix of a virtual environment is that
# of the nearest pyvenv.cfg (PEP 405), and `site` counts from the prefixes that it is imported with.
_WHERE: Final = """\
import json, os, sys
base = sys.base_prefix, sys.base_exec_prefix
above = os.path.dirname(os.path.abspath(sys.executable))
places = [os.path.join(each, "pyvenv.cfg") for each in (above, os.path.dirname(above))]
found = next(filter(os.path.isfile, places), None)
prefixes, is_open = [base], True
if found:
    with open(found, encoding="utf-8", errors="replace") as file:
        rows = [line.partition("=")[::2] for line in file]
    settings = {key.strip().lower(): value.strip().lower() for key, value in rows}
    is_open = settings.get("include-system-site-packages") == "true"
    own = os.path.dirname(found)
    prefixes = [(own, own), base] if is_open else [(own, own)]
sys.prefix, sys.exec_prefix = prefixes[0]
import site
places = []
for number, pair in enumerate(prefixes):
    if is_open and number == len(prefixes) - 1:
        places.append(site.getusersitepackages())
    sys.prefix, sys.exec_prefix = pair
    places += site.getsitepackages(pair)
print(json.dumps([each for each in places if os.path.isdir(each)]))
"""


def named_cpython(python: str) -> tuple[str, str]:
    """Version (PEP 440) and flags (PEP 739 `abi.flags`) of the CPython that is named.

    By a version such as 3.13t, or by a path; then it is asked. Raises UsageError.
    """
    match = _VERSION.fullmatch(python)
    if match is None and Path(python).is_file():
        match = _VERSION.fullmatch(answer(python, _WHICH))
    if match is None:
        raise UsageError(f"--python wants a version such as 3.14.0b2 or a path, not {python!r}")
    return match[1], match[2]


def site_directories(python: Path) -> tuple[Path, ...]:
    """The directories of installed distributions of an interpreter, as `sys.path` has them.

    Those that are there; a virtual environment's own first, then, where it sees them, the user's
    and the system's. Raises UsageError.
    """
    try:
        found = json.loads(answer(str(python), _WHERE))
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise UsageError(f"{python}: does not say where its distributions are")
    return tuple(dict.fromkeys(map(Path, found)))


def answer(path: str, question: str, *arguments: str, silent: str = "fails") -> str:
    """What the interpreter at `path` prints for the program `question`.

    Raises UsageError, with `silent` for one that fails without a word.
    """
    command = [path, "-I", "-S", "-c", question, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - the user names it
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{path}: does not run ({error})") from error
    if done.returncode:
        raise UsageError(f"{path}: {(done.stderr.strip().splitlines() or [silent])[-1]}")
    return done.stdout.strip()
