"""Build inputs with every field set; spec/examples/build_inputs.json is their JSON."""

from __future__ import annotations

from backend_shim.record.build_inputs import (
    Backend,
    BuildInputs,
    BuildRequirement,
    Patch,
    SourceTree,
)
from backend_shim.record.build_machine import (
    ImplementationVersion,
    Interpreter,
    Library,
    Observed,
    Tool,
    Toolchain,
)
from backend_shim.record.fingerprint import Generator
from backend_shim.record.read_set import (
    Capture,
    ReadFiles,
    Role,
    SystemLibrary,
    SystemPackage,
)

_NUMPY = "0ed4e1bbb6a0be3d9b4a2c1f4ea1b4cd3c8a3d5b8b5e1f2a7c6d5e4f3a2b1c0d"
_SETUPTOOLS = "e6b388770eea008b4ff0f400802078cffab38c5c38064177498e9ca5cb5d5db7"
_SOURCE = "3f9e671e00868efbcd0b27614e79c7d8c5663903ac740df41cf220ad78af25c1"
_PATCH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

_HEADER = "sha256=-BlaRT-3k_hQi3EPQX5p-tcZUcuKGPjUJQxBEDyUV1o"
_PXD = "sha256=JcGFLzvVtmL4KTBLcGFLzvVtmL4KTBLcGFLzvVtmL4I"

INPUTS = BuildInputs(
    generator=Generator(name="wheel-abi", version="0.1.0"),
    name="bottleneck",
    version="1.6.0",
    build_tag="2",
    config_settings=(("--build-option", ("--debug", "-j2")), ("cmake.define.TOKEN", "{redacted}")),
    patches=(Patch(name="patches/0001-fix.patch", sha256=_PATCH),),
    source=SourceTree(sha256=_SOURCE, listed_by="walk", files=93),
    backend=Backend(
        name="setuptools.build_meta:__legacy__", distribution="setuptools", version="80.9.0"
    ),
    interpreter=Interpreter(
        language_version="3.11",
        implementation="cpython",
        implementation_version=ImplementationVersion(
            major=3, minor=11, micro=7, releaselevel="final", serial=0
        ),
        hexversion=51054576,
        cache_tag="cpython-311",
        platform="linux-x86_64",
        abi_flags=(),
        extension_suffix=".cpython-311-x86_64-linux-gnu.so",
        stable_abi_suffix=".abi3.so",
        soabi="cpython-311-x86_64-linux-gnu",
    ),
    toolchain=Toolchain(
        c_compiler=Tool(version="gcc (Debian 12.2.0-14+deb12u1) 12.2.0", target="x86_64-linux-gnu"),
        cxx_compiler=None,
        linker=Tool(version="GNU ld (GNU Binutils for Debian) 2.40", target=None),
        libc=Library(name="glibc", version="2.36"),
        cxx_library=Library(name="libstdc++", version="12", abi="cxx11"),
        observed=Observed(
            comments=("GCC: (Debian 12.2.0-14+deb12u1) 12.2.0",),
            producers=("GNU C17 12.2.0 -mtune=generic -march=x86-64 -g -O3",),
            cxx_string_abi=("cxx11",),
        ),
    ),
    environment=(("CFLAGS", "-O2 -I{source}/include"), ("SOURCE_DATE_EPOCH", "1700000000")),
    requirements=(
        BuildRequirement(name="my-tool", version="1.0+local", digests=(), is_editable=True),
        BuildRequirement(
            name="numpy",
            version="2.3.4",
            digests=(("record", _NUMPY),),
            read=ReadFiles(
                digests=(
                    (Role.HEADER, "numpy/_core/include/numpy/arrayobject.h", _HEADER),
                    (Role.PXD, "numpy/__init__.pxd", _PXD),
                ),
                tools=("numpy/__init__.py", "numpy/version.py"),
                tools_sha256=_SOURCE,
            ),
        ),
        BuildRequirement(
            name="setuptools",
            version="80.9.0",
            digests=(("record", _SETUPTOOLS), ("sha256", _PATCH)),
        ),
    ),
    capture=Capture(method="inotify", is_complete=True, unowned=2),
    system_packages=(
        SystemPackage(
            manager="dpkg", name="libc6-dev:amd64", version="2.36-9", files=31, sha256=_PATCH
        ),
    ),
    system_libraries=(
        SystemLibrary(
            soname="libgomp.so.1", versions=("GOMP_4.0",), package="dpkg/libgomp1:amd64/12.2.0-14"
        ),
    ),
    commands=("{source}$ cc -O2 -I{source}/include -c bottleneck/reduce.c",),
)
