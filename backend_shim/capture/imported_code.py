"""What importing a package loads, and nothing else of it.

A build that only asks a package where its headers lie imports it and no more. Whoever loads more of
it may let it write something for the wheel: cffi's recompiler, f2py, mypyc. Which of the two it was
no list of files tells, so the import is done once more, by itself, in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection
from typing import Final

_SECONDS: Final = 60
_PROGRAM: Final = """\
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
specs = [getattr(each, "__spec__", None) for each in list(sys.modules.values())]
origins = [getattr(each, "origin", None) for each in specs]
print()
print(json.dumps([each for each in origins if isinstance(each, str)]))
"""


def files_loaded_by(packages: Collection[str]) -> frozenset[str]:
    """Real paths of the modules that importing `packages` loads; none where it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - what the build itself has imported
            [sys.executable, "-c", _PROGRAM, *sorted(packages)],
            cwd=os.sep,  # `-c` puts the working directory on sys.path: not the tree that is built
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=True,
        )
        return frozenset(map(os.path.realpath, json.loads(done.stdout.splitlines()[-1])))
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return frozenset()
