"""What is there without any wheel: libraries of the platform, and symbols of the interpreter."""

from __future__ import annotations

import functools
import posixpath
import re
from typing import Final

# What every manylinux and musllinux platform has (PEP 513, 571, 599, 600: "the following
# libraries" of the C, C++ and thread run time).
_ELF: Final = re.compile(
    r"(?:lib(?:c|m|pthread|dl|rt|util|nsl|resolv|anl|crypt|gcc_s|stdc\+\+|atomic|mvec)\.so(?:\.\d+)*"
    r"|ld-linux.*|ld64?\.so.*|ld-musl.*|libc\.musl.*|linux-vdso.*|libpython3.*)"
)
# Part of Windows (API sets, and DLLs of system32 that binaries of wheels import), the run time of
# Visual C++, and the interpreter, as it is called by python.org, free-threaded, or by MinGW.
_PE: Final = re.compile(
    r"(?:(?:api|ext)-ms-.*|python3\w*|libpython3.*|ucrtbased?|msvcrt|vcruntime\d+\w*|msvcp\d+\w*"
    r"|concrt\d+d?|vccorlib\d+d?|vcomp\d+d?|ntdll|kernel32|kernelbase|user32|gdi32|gdiplus|advapi32"
    r"|shell32|shlwapi|shcore|ole32|oleaut32|comctl32|comdlg32|rpcrt4|ws2_32|wsock32|mswsock"
    r"|iphlpapi|dnsapi|winhttp|wininet|urlmon|crypt32|bcrypt|bcryptprimitives|ncrypt|secur32"
    r"|sspicli|userenv|version|psapi|dbghelp|imagehlp|winmm|imm32|setupapi|cfgmgr32|powrprof"
    r"|netapi32|mpr|wtsapi32|avrt|dwmapi|uxtheme|opengl32|glu32|d3d\d+|dxgi|d2d1|dwrite|propsys"
    r"|normaliz|winspool\.drv|wldap32|pdh|synchronization)(?:\.dll)?"
)
_MACHO: Final = re.compile(
    r"/usr/lib/.*|/System/.*|(?:.*/)?libpython3[^/]*\.dylib"
    r"|(?:.*/)?Python3?T?\.framework/(?:.*/)?Python3?T?"
)
# Libraries that a platform may have or not: the other ones that the manylinux PEPs allow (X11, GL,
# GLib), those that auditwheel came to allow beside them, and the run time of GCC's languages.
_PERHAPS_ELF: Final = re.compile(
    r"lib(?:X11|Xext|Xrender|ICE|SM|GL|EGL|gobject-2\.0|gthread-2\.0|glib-2\.0|z|expat|gomp|omp"
    r"|iomp5|gfortran|quadmath|asan|tsan|ubsan|ncursesw?|panelw?)\.so(?:\.\d+)*"
)
# Named like the interpreter's own. Where an object links to another distribution, such a name may
# as well be that one's (`PySide…`), so there it is recorded.
_INTERPRETER: Final = re.compile(r"_?Py[A-Z_]")
# Itanium C++ ABI, 5.1: of namespace std (`St` and its abbreviations), __gnu_cxx or __cxxabiv1;
# operators new and delete; the plain names of the C++ ABI (3.3), of unwinding and of OpenMP.
_CXX_RUNTIME: Final = re.compile(
    r"_Z(?:T[VIST]|GV|TH|TW)?(?:N[KVrRO]*)?(?:S[tabsiod]|9__gnu_cxx|10__cxxabiv1)"
    r"|_Z(?:n[wa]|d[la])|__cxa_|__gxx_personality|_Unwind_|__dynamic_cast|GOMP_|omp_[gst]"
)
# Of libc since it is one library with libdl; taken without a version by some.
_LOADER: Final = re.compile(r"dl(?:open|sym|vsym|close|error|addr|info)")
# References that compilers and linkers put into every object, weak and without a definition:
# profiling, transactional memory (Itanium C++ ABI, 5.1.4.5: GTt), Java.
_TOOLCHAIN: Final = re.compile(r"__gmon_start__|_ITM_|_ZGTt|_Jv_RegisterClasses|__cxa_finalize")


def library_key(name: str, binary_format: str) -> str:
    """`name` as the loader compares it.

    Windows without regard to case; macOS by the last part of the install name, as a library that
    is loaded already serves for any `@rpath/` (dyld Loader.cpp, "already-loaded-by-rpath").
    """
    if binary_format == "pe":
        return name.lower()
    return posixpath.basename(name) if binary_format == "macho" else name


@functools.lru_cache(maxsize=4096)
def is_platform_library(name: str, binary_format: str) -> bool:
    """Whether every platform has it, or it is the interpreter."""
    if binary_format == "pe":
        return _PE.fullmatch(name.lower()) is not None
    return (_MACHO if binary_format == "macho" else _ELF).fullmatch(name) is not None


def may_be_platform_library(name: str, binary_format: str) -> bool:
    """Whether some platform may have a library of that name."""
    return is_platform_library(name, binary_format) or (
        binary_format == "elf" and _PERHAPS_ELF.fullmatch(name) is not None
    )


@functools.lru_cache(maxsize=8192)  # the same few hundred names in every extension module
def is_interpreter_symbol(name: str) -> bool:
    """Whether it is called like what CPython exports."""
    return _INTERPRETER.match(name) is not None


@functools.lru_cache(maxsize=8192)
def is_toolchain_symbol(name: str) -> bool:
    """Whether a compiler or linker put the reference there."""
    return _TOOLCHAIN.match(name) is not None


@functools.lru_cache(maxsize=8192)
def is_given_symbol(name: str) -> bool:
    """Whether it is there without any library: the interpreter's, or the toolchain's."""
    return is_interpreter_symbol(name) or is_toolchain_symbol(name)


@functools.lru_cache(maxsize=8192)
def is_runtime_symbol(name: str) -> bool:
    """Whether it is the C++ library's, the language's or the loader's: every platform has it.

    Any library may define a copy of it.

    PyTorch exports what GCC's `libstdc++_nonshared.a` put into it, and wheels that link to PyTorch
    take it from there; where it vanishes, that of the platform serves (measured with torchvision
    0.22 and torch 2.8).
    """
    return _CXX_RUNTIME.match(name) is not None or _LOADER.fullmatch(name) is not None
