"""The environment variables and config settings of a build that may be recorded.

The list is closed and holds no pattern: a variable that is not on it is not read, not even for a
digest. A project adds its own by name in `[tool.wheel-abi] env`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from backend_shim.capture.redaction import Redaction
from backend_shim.record.build_inputs import ConfigValue

_TOOLS: Final = ("AR", "CC", "CXX", "F77", "F90", "FC", "LD", "LDSHARED", "NVCC", "RUSTC")
_FLAGS: Final = (
    "ARCHFLAGS",
    "CFLAGS",
    "CPPFLAGS",
    "CXXFLAGS",
    "FCFLAGS",
    "FFLAGS",
    "LDFLAGS",
    "NVCC_APPEND_FLAGS",
    "NVCC_PREPEND_FLAGS",
    "RUSTFLAGS",
)
# gcc and clang search these without being told on the command line; so does pkg-config.
_SEARCH_PATHS: Final = (
    "CPATH",
    "CPLUS_INCLUDE_PATH",
    "C_INCLUDE_PATH",
    "LIBRARY_PATH",
    "PKG_CONFIG_LIBDIR",
    "PKG_CONFIG_PATH",
    "PKG_CONFIG_SYSROOT_DIR",
)
# What is built for: cross builds, macOS deployment targets, the MSVC command prompt, CUDA.
_TARGETS: Final = (
    "CARGO_BUILD_TARGET",
    "CUDAARCHS",
    "MACOSX_DEPLOYMENT_TARGET",
    "SDKROOT",
    "TORCH_CUDA_ARCH_LIST",
    "VCToolsVersion",
    "VSCMD_ARG_TGT_ARCH",
    "WindowsSDKVersion",
    "_PYTHON_HOST_PLATFORM",
)
# What the backends and build systems themselves read to decide what is built.
_BUILD_SYSTEMS: Final = (
    "CMAKE_ARGS",
    "CMAKE_BUILD_TYPE",
    "CMAKE_GENERATOR",
    "CMAKE_PREFIX_PATH",
    "CMAKE_TOOLCHAIN_FILE",
    "NPY_BLAS_ORDER",
    "NPY_LAPACK_ORDER",
    "PYTHONHASHSEED",
    "SETUPTOOLS_SCM_PRETEND_VERSION",
    "SKBUILD_BUILD_TYPE",
    "SKBUILD_CMAKE_ARGS",
    "SKBUILD_CMAKE_BUILD_TYPE",
    "SKBUILD_CMAKE_DEFINE",
    "SOURCE_DATE_EPOCH",
)

ALLOWED: Final = frozenset((*_TOOLS, *_FLAGS, *_SEARCH_PATHS, *_TARGETS, *_BUILD_SYSTEMS))


def recorded_environment(
    environ: Mapping[str, str], *, also: Collection[str], redaction: Redaction
) -> tuple[tuple[str, str], ...]:
    """The allowed variables of `environ` and those of `also`, redacted and sorted by name."""
    return tuple(
        (name, _storable(redaction.text(environ[name], name=name)))
        for name in sorted({*ALLOWED, *also})
        if name in environ
    )


def recorded_settings(
    config_settings: Mapping[str, object] | None, *, redaction: Redaction
) -> tuple[tuple[str, ConfigValue], ...]:
    """The front end's `config_settings`, redacted and sorted; empty for None.

    PEP 517 allows "an arbitrary dictionary"; what is neither text nor a list of text is named by
    its type only.
    """
    return tuple(sorted(_settings(config_settings or {}, redaction), key=lambda pair: pair[0]))


def _settings(
    config_settings: Mapping[str, object], redaction: Redaction
) -> Iterator[tuple[str, ConfigValue]]:
    for key, value in config_settings.items():
        name = str(key)
        shown = _storable(redaction.name(name))
        if isinstance(value, (list, tuple)):
            yield shown, tuple(_setting(each, name, redaction) for each in value)
        else:
            yield shown, _setting(value, name, redaction)


def _setting(value: object, name: str, redaction: Redaction) -> str:
    if isinstance(value, (str, bool, int)):
        return _storable(redaction.text(str(value), name=name))
    return f"{{{type(value).__name__}}}"


def _storable(text: str) -> str:
    """`text` without lone surrogates, which stand for undecodable bytes: JSON has none."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
