"""The interpreter that is built for, as PEP 739 describes one; no path and no time."""

from __future__ import annotations

import importlib.machinery
import sys
import sysconfig

from backend_shim.record.build_machine import ImplementationVersion, Interpreter


def capture_interpreter() -> Interpreter:
    """The interpreter of this process; in a cross build what `sysconfig` was made to say."""
    version = sys.implementation.version
    suffix = sysconfig.get_config_var("EXT_SUFFIX") or importlib.machinery.EXTENSION_SUFFIXES[0]
    soabi = sysconfig.get_config_var("SOABI")
    return Interpreter(
        language_version=f"{sys.version_info.major}.{sys.version_info.minor}",
        implementation=sys.implementation.name,
        implementation_version=ImplementationVersion(
            major=version.major,
            minor=version.minor,
            micro=version.micro,
            releaselevel=version.releaselevel,
            serial=version.serial,
        ),
        hexversion=sys.implementation.hexversion,
        cache_tag=sys.implementation.cache_tag,
        platform=sysconfig.get_platform(),
        abi_flags=_abi_flags(),
        extension_suffix=str(suffix),
        stable_abi_suffix=next(
            (each for each in importlib.machinery.EXTENSION_SUFFIXES if ".abi3" in each), None
        ),
        soabi=str(soabi) if soabi else None,
    )


def _abi_flags() -> tuple[str, ...]:
    """PEP 739 `abi.flags`; asked of sysconfig because `sys.abiflags` is not there on Windows."""
    flags = (("Py_DEBUG", "d"), ("Py_GIL_DISABLED", "t"))
    return tuple(flag for variable, flag in flags if sysconfig.get_config_var(variable))
