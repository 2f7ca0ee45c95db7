"""Wheels with small shared objects that gcc makes, and made-up NumPys."""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from backend_shim.wheel.archive import WheelArchive
from resolver_check.scan.subject import Subject
from tests.support.wheel_factory import make_wheel

TAG = "cp311-cp311-manylinux_2_17_x86_64"
SUFFIX = ".cpython-311-x86_64-linux-gnu.so"

Compile: TypeAlias = Callable[..., bytes]
Open: TypeAlias = Callable[[Path], Subject]


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not the cache of whoever runs the tests."""
    monkeypatch.setenv("WHEEL_ABI_CACHE", str(tmp_path / "cache-of-user"))


@pytest.fixture(scope="session")
def compile_shared(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """The bytes of the shared object that gcc makes of C source."""
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("there is no gcc to make shared objects")
    directory = tmp_path_factory.mktemp("compiled")

    @functools.cache
    def run(source: str, *options: str, libraries: tuple[tuple[str, bytes], ...] = ()) -> bytes:
        for name, data in libraries:
            (directory / name).write_bytes(data)
        made = directory / "made.so"
        subprocess.run(
            [gcc, "-shared", "-fPIC", "-O1", "-x", "c", "-", "-x", "none", *options, "-o", made,
             *(str(directory / name) for name, _ in libraries)],
            input=source, text=True, check=True, cwd=directory, capture_output=True, timeout=60,
        )  # fmt: skip
        return made.read_bytes()

    return run


@pytest.fixture
def open_subject() -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda path: Subject(stack.enter_context(WheelArchive.open(path)))


class Factory:
    """Makes the cast of the tests as wheels in one directory."""

    def __init__(self, directory: Path, compile_shared: Compile) -> None:
        self.directory = directory
        self._compile = compile_shared

    def library(
        self,
        version: str,
        *,
        source: str = "int gift_open(void) { return 1; } int gift_shut(void) { return 2; }",
        soname: str = "libgift.so.1",
        header: str = "int gift_open(void);\nint gift_shut(void);\n",
        tag: str = TAG,
        files: Mapping[str, bytes] | None = None,
    ) -> Path:
        """`gift`, which others link to."""
        files = {
            "gift/__init__.py": b"",
            "gift/include/gift.h": header.encode(),
            f"gift/{soname}": self._compile(source, f"-Wl,-soname,{soname}"),
            **(files or {}),
        }
        return make_wheel(self.directory, name="gift", version=version, tag=tag, files=files)

    def linked(self, name: str = "taker", *, tag: str = TAG, soname: str = "libgift.so.1") -> Path:
        """A consumer that links to `gift` and calls `gift_open`."""
        stub = self._compile("int gift_open(void) { return 1; }", f"-Wl,-soname,{soname}")
        source = f"int gift_open(void); int PyInit__{name}(void) {{ return gift_open(); }}"
        data = self._compile(source, libraries=((soname, stub),))
        return self.extension(name, data=data, requires=["gift"], tag=tag)

    def extension(
        self,
        name: str,
        *,
        data: bytes | None = None,
        strings: tuple[str, ...] = (),
        version: str = "1.0",
        requires: list[str] | None = None,
        tag: str = TAG,
        files: Mapping[str, bytes] | None = None,
    ) -> Path:
        """A wheel with one extension module, which holds `strings`."""
        data = data or self.module(name, *strings)
        members = {f"{name}/__init__.py": b"", f"{name}/_{name}{SUFFIX}": data, **(files or {})}
        return make_wheel(
            self.directory, name=name, version=version, tag=tag, files=members,
            requires=requires or [],
        )  # fmt: skip

    def module(self, name: str, *strings: str) -> bytes:
        """The bytes of an extension module."""
        returned = "".join(f'case {at}: return "{text}";' for at, text in enumerate(strings))
        source = f"const char *PyInit__{name}(int n) {{ switch (n) {{ {returned} }} return 0; }}"
        # As every extension module that binds by a name, it calls the interpreter.
        return self._compile(
            f"{source} int PyImport_Import(void); int asks(void) {{ return PyImport_Import(); }}"
        )

    def pure(self, name: str, *, version: str = "1.0", requires: list[str] | None = None) -> Path:
        """A wheel without binaries."""
        return make_wheel(
            self.directory, name=name, version=version, requires=requires or [],
            files={f"{name}.py": b"x = 1\n"},
        )  # fmt: skip

    def numpy(
        self, version: str, *, abi: int | None, api: int = 0x10, tag: str = TAG, header: bytes = b""
    ) -> Path:
        """A NumPy as far as wheels are told apart by: its numbers and the module of its C API.

        `header` is what imports that module.
        """
        inner = "_core" if abi == 0x02000000 else "core"
        config = "" if abi is None else (
            f"#define NPY_ABI_VERSION 0x{abi:08X}\n#define NPY_API_VERSION 0x{api:08X}\n"
        )  # fmt: skip
        return self.extension(
            "numpy", version=version, tag=tag,
            files={
                f"numpy/{inner}/include/numpy/_numpyconfig.h": config.encode(),
                f"numpy/{inner}/include/numpy/__multiarray_api.h": header,
                f"numpy/{inner}/__init__.py": b"",
                "numpy/random/__init__.py": b"",
                f"numpy/{inner}/_multiarray_umath{SUFFIX}": self.module("multiarray_umath"),
            },
        )  # fmt: skip

    def numpy_1(self, version: str = "1.26.4") -> Path:
        return self.numpy(version, abi=0x01000009, api=0x11)

    def numpy_2(self, version: str = "2.0.2") -> Path:
        return self.numpy(version, abi=0x02000000, api=0x12)

    def for_numpy_1(
        self, name: str, *, version: str = "1.0", requires: tuple[str, ...] = ()
    ) -> Path:
        """A consumer compiled with NumPy 1, whose `import_array()` accepts ABI 1 only."""
        strings = ("numpy.core._multiarray_umath", "_ARRAY_API", "this NumPy (NumPy 1.19) here")
        return self.extension(name, strings=strings, requires=["numpy", *requires], version=version)

    def for_both(self, name: str, *, version: str = "1.0", requires: tuple[str, ...] = ()) -> Path:
        """A consumer compiled with NumPy 2, which accepts either."""
        strings = (
            *("numpy._core._multiarray_umath", "numpy.core._multiarray_umath", "_ARRAY_API"),
            "this NumPy (NumPy 1.23) here",
        )
        return self.extension(name, strings=strings, requires=["numpy", *requires], version=version)


@pytest.fixture
def make(tmp_path: Path, compile_shared: Compile) -> Factory:
    """Wheels in a directory of their own."""
    directory = tmp_path / "wheels"
    directory.mkdir()
    return Factory(directory, compile_shared)


def gift(make: Factory, *, numpy: int = 1, **library: str) -> Path:
    """The library with an extension module beside it that uses NumPy's C API."""
    modules = ["numpy.core._multiarray_umath"] + ["numpy._core._multiarray_umath"] * (numpy == 2)
    module = make.module("gift", *modules, "_ARRAY_API", "this NumPy (NumPy 1.23) here")
    return make.library(
        "1.0", files={"gift/_gift.cpython-311-x86_64-linux-gnu.so": module}, **library
    )
