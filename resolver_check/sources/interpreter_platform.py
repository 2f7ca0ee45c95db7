"""What an interpreter says of itself: its version, and which platform tags it accepts.

`packaging` may not be installed there, so it is asked only for what tags are made of.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from backend_shim.errors import InvalidRecord
from backend_shim.record.decoding import as_object, decode_json, get_int, get_str
from resolver_check.asked_interpreter import AskedInterpreter, Machine, cpython_here, platforms_of
from resolver_check.errors import UsageError
from resolver_check.sources.interpreter_paths import answer, named_cpython

_VERSION: Final = re.compile(r"\d\.\d{1,3}\.\d{1,3}(?:(?:a|b|rc)\d{1,3})?", re.ASCII)
_QUESTION: Final = """\
import json, os, platform, struct, sys, sysconfig
version, level = sys.version_info, {"alpha": "a", "beta": "b", "candidate": "rc", "final": ""}
serial = version.serial if version.releaselevel != "final" else ""
try:
    libc = os.confstr("CS_GNU_LIBC_VERSION")
except (AttributeError, OSError, ValueError):
    libc = None
print(json.dumps({
    "implementation": sys.implementation.name,
    "version": "%d.%d.%d%s%s" % (*version[:3], level[version.releaselevel], serial),
    "flags": "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else "",
    "soabi": sysconfig.get_config_var("SOABI") or "",
    "platform": sysconfig.get_platform(),
    "bits": struct.calcsize("P") * 8,
    "libc": libc or "",
    "mac": platform.mac_ver()[0],
    "machine": platform.machine(),
}))
"""


def asked_interpreter(python: str) -> AskedInterpreter:
    """The interpreter at the path `python`, which is run, or a CPython of that version.

    The latter is taken to be on the platform of this process. Raises UsageError.
    """
    if Path(python).is_file():
        return _asked(python)
    version, flags = named_cpython(python)
    return cpython_here(version, flags)


def _asked(path: str) -> AskedInterpreter:
    try:
        said = as_object(decode_json(answer(path, _QUESTION).encode()), "$")
        platform, libc, mac, machine = (
            get_str(said, key, "$") for key in ("platform", "libc", "mac", "machine")
        )
        version, flags = (get_str(said, key, "$") for key in ("version", "flags"))
        if not _VERSION.fullmatch(version) or flags not in ("", "t"):
            raise InvalidRecord("$.version", "is none of Python")
        return AskedInterpreter(
            implementation=get_str(said, "implementation", "$"),
            version=version,
            flags=flags,
            soabi=get_str(said, "soabi", "$"),
            platforms=platforms_of(
                Machine(
                    platform=platform,
                    bits=get_int(said, "bits", "$"),
                    libc=libc,
                    mac=(mac, machine),
                )
            ),
        )
    except InvalidRecord as error:
        raise UsageError(f"{path}: does not say which interpreter it is") from error
