"""Consumers and providers for the tests of the interfaces: compiled for real, or made up."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pytest

from backend_shim.binary import read_shared_objects
from backend_shim.fingerprinting import Fingerprinted, fingerprint_wheel
from backend_shim.interfaces import import_name
from backend_shim.interfaces.inspected_wheel import ConstantStrings, OpenObject
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Binding
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import ExportedSymbol, ExportingObject, SymbolTables
from backend_shim.wheel.archive import WheelArchive
from tests.support.wheel_factory import make_wheel

ASKS = "int PyImport_Import(void); int asks(void) { return PyImport_Import(); }"
TAG = "cp311-cp311-manylinux_2_17_x86_64"


@functools.cache
def compiled(
    source: str,
    *options: str,
    suffix: str = ".c",
    libraries: tuple[tuple[str, bytes], ...] = (),
    script: str | None = None,
    is_program: bool = False,
) -> bytes:
    """The shared object that GCC makes of `source`; the test is skipped where there is no GCC.

    `libraries` are (file name, content) of shared objects to link with, `script` is a version
    script.
    """
    compiler = shutil.which("gcc" if suffix == ".c" else "g++")
    if compiler is None:
        pytest.skip("no gcc")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / f"x{suffix}").write_text(source)
        kind = ["-no-pie"] if is_program else ["-shared", "-fPIC"]
        command = [compiler, *kind, "-O2", "-o", str(folder / "x.so"), *options]
        command += [str(folder / f"x{suffix}")]
        for library, content in libraries:
            (folder / library).write_bytes(content)
            command.append(str(folder / library))
        if script is not None:
            (folder / "script").write_text(script)
            command.append(f"-Wl,--version-script={folder / 'script'}")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{' '.join(options)}: {done.stderr[:300]}")
        return (folder / "x.so").read_bytes()


@functools.cache
def literals(*texts: str, language: str = "c") -> bytes:
    """An extension module, as it calls the interpreter, whose read-only data hold `texts`.

    With `language` "rust" they are followed by each other, as Rust and Go have them.
    """
    if language == "rust":
        joined = "".join(texts) + "/rustc/0123/library"
        return compiled(f'const char all[{len(joined)}] = "{joined}"; {ASKS}')
    rows = ",".join(f'"{text}"' for text in texts)
    return compiled(f"const char *const all[] = {{{rows}}}; {ASKS}")


def opened(data: bytes, *, looked_for: Collection[str] = (), path: str = "a.so") -> OpenObject:
    """`data` as an interface is shown it."""
    shared = read_shared_objects(data)[0]
    return OpenObject(
        path=path,
        data=data,
        shared=shared,
        strings=ConstantStrings(data, shared),
        looked_for=frozenset(looked_for),
    )


def fingerprinted(
    directory: Path,
    files: Mapping[str, bytes],
    *,
    name: str = "consumer",
    version: str = "1.0",
    looked_for: Collection[str] = (),
) -> Fingerprinted:
    """What is read from a wheel of `files`."""
    wheel = make_wheel(directory, name=name, version=version, tag=TAG, files=files)
    with WheelArchive.open(wheel) as archive:
        return fingerprint_wheel(archive, looked_for=looked_for)


def required(read: Fingerprinted, interface: str) -> Facts:
    """What the wheel requires by `interface`, which must be something."""
    found = read.fingerprint.required(interface)
    assert found is not None
    return found.facts


def provider(
    name: str = "provider",
    version: str = "1.0",
    *,
    paths: Iterable[str] = (),
    provided: Mapping[str, Facts] | None = None,
    needs: Mapping[str, Facts] | None = None,
    explained: Collection[str] = (),
    symbols: SymbolTables | None = None,
) -> Provider:
    """A made-up provider that installs `paths`."""
    members = tuple(paths)
    return Provider(
        name=name,
        version=version,
        provided=provided or {},
        required=needs or {},
        modules=import_name.module_names(members),
        binding_names=import_name.binding_names(members),
        explained_modules=frozenset(explained),
        read_symbols=lambda: symbols or SymbolTables(),
    )


def provider_of(
    directory: Path, files: Mapping[str, bytes], *, name: str = "provider", version: str = "1.0"
) -> Provider:
    """The provider that a wheel of `files` is."""
    read = fingerprinted(directory, files, name=name, version=version)
    return provider(
        name,
        version,
        paths=files,
        provided={each.interface: each.facts for each in read.fingerprint.provides},
        needs={each.interface: each.facts for each in read.fingerprint.requires},
        symbols=read.symbols,
    )


def library(
    *symbols: ExportedSymbol,
    path: str = "p/libp.so.1",
    soname: str = "libp.so.1",
    forwards: tuple[tuple[str, str], ...] = (),
    **facts: object,
) -> Provider:
    """A provider with one library that exports `symbols`."""
    return libraries((path, soname, symbols), forwards=forwards, **facts)


def libraries(
    *rows: tuple[str, str, tuple[ExportedSymbol, ...]],
    forwards: tuple[tuple[str, str], ...] = (),
    **facts: object,
) -> Provider:
    """A provider with libraries by path, name and what they export.

    `facts` are the same for all, but `needed` of the first one only.
    """
    row = {"format": "elf", "machine": "x86_64", "is_grafted": False, "versions": [], **facts}
    found = [
        {"needed": [], "reexported": [], **row, "path": path, "name": name}
        for path, name, _ in rows
    ]
    for each in found[1:]:
        each["needed"] = []
    tables = SymbolTables(
        objects=tuple(
            ExportingObject(
                path=path, soname=name, machine="x86_64", symbols=symbols, forwards=forwards
            )
            for path, name, symbols in rows
        )
    )
    return provider(
        paths=[path for path, _, _ in rows],
        provided={"linking": Facts({"libraries": found})},
        symbols=tables,
    )


def symbol(
    name: str,
    version: str | None = None,
    *,
    kind: str = "function",
    size: int = 8,
    is_hidden: bool = False,
    index: int | None = None,
) -> ExportedSymbol:
    """An exported symbol; its version's index is 2 unless given."""
    return ExportedSymbol(
        name=name,
        version=version,
        kind=kind,
        size=size,
        is_hidden=is_hidden,
        version_index=index if index is not None else 1 if version is None else 2,
    )


def kinds(bindings: Iterable[Binding]) -> list[str]:
    """The kinds of all reasons, in their order."""
    return [reason.kind for each in bindings for reason in each.reasons]
