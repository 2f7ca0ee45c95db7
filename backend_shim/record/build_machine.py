"""What the binaries of a build were made for and made with: interpreter and toolchain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import (
    JSONObject,
    get_int,
    get_object,
    get_object_or_null,
    get_str,
    get_str_list,
    get_str_or_null,
    path_to,
)

# `sys.version_info.releaselevel` as PEP 440 spells it.
_LEVELS: Final = {"alpha": "a", "beta": "b", "candidate": "rc", "final": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImplementationVersion:
    """`sys.implementation.version`, part by part as PEP 739 writes it."""

    major: int
    minor: int
    micro: int
    releaselevel: str
    serial: int


def release_of(version: ImplementationVersion) -> str | None:
    """The version as PEP 440 spells it; None for a level that it has no letters for."""
    level = _LEVELS.get(version.releaselevel)
    if level is None:
        return None
    serial = str(version.serial) if level else ""
    return f"{version.major}.{version.minor}.{version.micro}{level}{serial}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """The interpreter that was built for, in the words of PEP 739."""

    language_version: str
    """`3.11`."""
    implementation: str
    """`cpython`."""
    implementation_version: ImplementationVersion
    hexversion: int
    cache_tag: str | None
    platform: str
    """`sysconfig.get_platform()`: `linux-x86_64`."""
    abi_flags: tuple[str, ...]
    """`d` (debug) and `t` (free-threaded)."""
    extension_suffix: str
    stable_abi_suffix: str | None
    soabi: str | None
    """`cpython-311-x86_64-linux-gnu`; not a PEP 739 key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program that made the binaries."""

    version: str
    """First line of what it says of itself."""
    target: str | None
    """The triple that it compiles for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """The run-time library of a language."""

    name: str
    version: str
    abi: str | None = None
    """libstdc++: the string ABI that it defaults to, `cxx11` or `old`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the binaries themselves tell of the tools that made them."""

    comments: tuple[str, ...] = ()
    """Of `.comment`: each compiler once, sorted."""
    producers: tuple[str, ...] = ()
    """DW_AT_producer, each once, sorted; empty without debug information or `pyelftools`."""
    cxx_string_abi: tuple[str, ...] = ()
    """Of the strings of libstdc++ in symbols: `cxx11`, `old`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """The tools that the environment offers to a build; None for each that is not there."""

    c_compiler: Tool | None
    cxx_compiler: Tool | None
    linker: Tool | None
    libc: Library | None
    cxx_library: Library | None
    observed: Observed = field(default_factory=Observed)


def interpreter_json(interpreter: Interpreter) -> JSONValue:
    """The table of `interpreter`."""
    version = interpreter.implementation_version
    return {
        "language": {"version": interpreter.language_version},
        "implementation": {
            "name": interpreter.implementation,
            "version": {
                "major": version.major,
                "minor": version.minor,
                "micro": version.micro,
                "releaselevel": version.releaselevel,
                "serial": version.serial,
            },
            "hexversion": interpreter.hexversion,
            "cache_tag": interpreter.cache_tag,
        },
        "platform": interpreter.platform,
        "abi": {
            "flags": list(interpreter.abi_flags),
            "extension_suffix": interpreter.extension_suffix,
            "stable_abi_suffix": interpreter.stable_abi_suffix,
            "soabi": interpreter.soabi,
        },
    }


def read_interpreter(table: JSONObject, path: str) -> Interpreter:
    """The interpreter that `table`, standing at `path`, describes. Raises InvalidRecord."""
    language, of_language = _table(table, "language", path)
    implementation, of_implementation = _table(table, "implementation", path)
    version, of_version = _table(implementation, "version", of_implementation)
    abi, of_abi = _table(table, "abi", path)
    return Interpreter(
        language_version=get_str(language, "version", of_language),
        implementation=get_str(implementation, "name", of_implementation),
        implementation_version=ImplementationVersion(
            major=get_int(version, "major", of_version),
            minor=get_int(version, "minor", of_version),
            micro=get_int(version, "micro", of_version),
            releaselevel=get_str(version, "releaselevel", of_version),
            serial=get_int(version, "serial", of_version),
        ),
        hexversion=get_int(implementation, "hexversion", of_implementation),
        cache_tag=get_str_or_null(implementation, "cache_tag", of_implementation),
        platform=get_str(table, "platform", path),
        abi_flags=get_str_list(abi, "flags", of_abi),
        extension_suffix=get_str(abi, "extension_suffix", of_abi),
        stable_abi_suffix=get_str_or_null(abi, "stable_abi_suffix", of_abi),
        soabi=get_str_or_null(abi, "soabi", of_abi),
    )


def toolchain_json(toolchain: Toolchain) -> JSONValue:
    """The table of `toolchain`; null for each tool that was not there."""
    return {
        "c_compiler": _tool_json(toolchain.c_compiler),
        "cxx_compiler": _tool_json(toolchain.cxx_compiler),
        "linker": _tool_json(toolchain.linker),
        "libc": _library_json(toolchain.libc),
        "cxx_library": _library_json(toolchain.cxx_library),
        "observed": {
            "comments": list(toolchain.observed.comments),
            "producers": list(toolchain.observed.producers),
            "cxx_string_abi": list(toolchain.observed.cxx_string_abi),
        },
    }


def read_toolchain(table: JSONObject, path: str) -> Toolchain:
    """The toolchain that `table`, standing at `path`, describes. Raises InvalidRecord."""
    return Toolchain(
        c_compiler=_read_tool(table, "c_compiler", path),
        cxx_compiler=_read_tool(table, "cxx_compiler", path),
        linker=_read_tool(table, "linker", path),
        libc=_read_library(table, "libc", path),
        cxx_library=_read_library(table, "cxx_library", path),
        observed=_read_observed(table, path),
    )


def _table(table: JSONObject, key: str, path: str) -> tuple[dict[str, JSONValue], str]:
    return get_object(table, key, path), path_to(path, key)


def _tool_json(tool: Tool | None) -> JSONValue:
    return None if tool is None else {"version": tool.version, "target": tool.target}


def _library_json(library: Library | None) -> JSONValue:
    if library is None:
        return None
    return {"name": library.name, "version": library.version, "abi": library.abi}


def _read_observed(toolchain: JSONObject, path: str) -> Observed:
    table, where = _table(toolchain, "observed", path)
    return Observed(
        comments=get_str_list(table, "comments", where),
        producers=get_str_list(table, "producers", where),
        cxx_string_abi=get_str_list(table, "cxx_string_abi", where),
    )


def _read_tool(toolchain: JSONObject, key: str, path: str) -> Tool | None:
    table, where = get_object_or_null(toolchain, key, path), path_to(path, key)
    if table is None:
        return None
    return Tool(
        version=get_str(table, "version", where),
        target=get_str_or_null(table, "target", where),
    )


def _read_library(toolchain: JSONObject, key: str, path: str) -> Library | None:
    table, where = get_object_or_null(toolchain, key, path), path_to(path, key)
    if table is None:
        return None
    return Library(
        name=get_str(table, "name", where),
        version=get_str(table, "version", where),
        abi=get_str_or_null(table, "abi", where),
    )
