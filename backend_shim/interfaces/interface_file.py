"""One interface file: its digests with and without comments, and what it names."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from backend_shim.interfaces.build_descriptions import compile_flags

CYTHON_SUFFIXES: Final = (".pxd", ".pxi")
_C_SUFFIXES: Final = (
    *(".h", ".hh", ".hpp", ".hxx", ".h++", ".inc", ".inl", ".ipp", ".tpp", ".tcc", ".cuh", ".def"),
)
OTHER_SUFFIXES: Final = (".a", ".lib", ".pc", ".cmake", ".sip", ".i")
SUFFIXES: Final = (*CYTHON_SUFFIXES, *_C_SUFFIXES, *OTHER_SUFFIXES)

# What has no end is kept as it is, to the end of the file. Each branch begins with a letter or a
# sign: so the rest of the text is passed over fast.
_C_NOISE = re.compile(
    rb"""R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
    rb"""|/\*.*?\*/|//[^\n]*|/\*.*|R"[^()\\\s]{0,16}\(.*""",
    re.DOTALL,
)
# `# cython: legacy_implicit_noexcept=True` and its like are settings.
_CYTHON_NOISE = re.compile(
    rb"""(\"\"\".*?\"\"\"|'''.*?'''|(?:\"\"\"|''').*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
    rb"""|\#[ \t]*(?:cython|distutils)[ \t]*:[^\n]*)|\#[^\n]*""",
    re.DOTALL,
)
_C_INCLUDE = re.compile(
    rb"""^[ \t]*(?:\#|%:)[ \t]*(?:include(?:_next)?|import)[ \t]*["<]([^">\n]+)[">]""", re.MULTILINE
)
# Whether there is such a file is asked in a condition (C23 6.10.1).
_HAS_INCLUDE = re.compile(rb"""__has_include(?:_next)?[ \t]*\([ \t]*["<]([^">\n]+)[">]""")
_ASKS: Final = re.compile(
    rb"""__has_include(?:_next)?\s*\(\s*(?:["<]([^">\n]+)[">])?""",
)
# `#include FT_FREETYPE_H`: which file that is only a preprocessor knows.
_COMPUTED_INCLUDE = re.compile(
    rb"^[ \t]*(?:\#|%:)[ \t]*include(?:_next)?[ \t]+[A-Za-z_]", re.MULTILINE
)
SPLICE: Final = re.compile(rb"\\\r?\n")
# GCC takes a backslash with blanks behind it for a splice, too; a trigraph for a backslash is one
# if the compiler was told so; in a raw literal there is none (C++11 [lex.pptoken] 5.4). And `//`
# may be part of the name of a header (C11 6.4.7).
_BLANK_SPLICE = re.compile(rb"\\[ \t\f\v]+\r?\n")
_TRIGRAPH_SPLICE: Final = b"??/"
_SLASHES_IN_NAME = re.compile(rb"include(?:_next)?[ \t]*<[^>\n]*/[/*]")
_RAW_LITERAL = re.compile(rb"R\"[^()\\\s]{0,16}\(")
# Files of any name in such a directory are headers: `QtCore/QString`, `Eigen/Core`.
_INCLUDE_DIRECTORY = re.compile(r"(?:.*/)?(?:include|headers)/.*[^/]")
_NO_HEADER = (".py", ".pyc", ".pyi", ".so", ".md", ".rst", ".txt", ".html", ".json")
# A header says which module it is the interface of where it imports it, or defines the name of its
# capsule: `PyCapsule_Import("greenlet._C_API", 0)`, `#define PyDateTime_CAPSULE_NAME
# "datetime.datetime_CAPI"`.
_IMPORTED_NAME = re.compile(rb"Import\w*[ \t]*\([^()\"\n]*\"([A-Za-z_]\w*(?:\.\w+)*)\"", re.ASCII)
_DEFINED_NAME = re.compile(
    rb"#[ \t]*define[ \t]+\w+[ \t]+\(?[ \t]*\"([A-Za-z_]\w*(?:\.\w+)*)\"", re.ASCII
)
_VISIBLE_SPACE = bytes.maketrans(b" \t\n", b"\x01\x02\x03")
_WORD = re.compile(rb"[A-Za-z_]\w*", re.ASCII)
_CYTHON_FROM = re.compile(
    rb"^[ \t]*from[ \t]+([.\w]+)[ \t]+cimport\b[ \t]*(\([^)]*\)|[^\n#]*)", re.MULTILINE
)
_CYTHON_CIMPORT = re.compile(rb"^[ \t]*cimport[ \t]+([^\n#]+)", re.MULTILINE)
_CYTHON_INCLUDE = re.compile(
    rb"""^[ \t]*(?:include|cdef[ \t]+extern[ \t]+from)[ \t]+["']<?([^"'>]+)>?["']""", re.MULTILINE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceFile:
    """One shipped interface file."""

    path: str
    """As installed: without the `{name}-{version}.data/` prefix."""
    member: str
    """Its path in the wheel."""
    digest: str
    tokens: str
    """Digest of the content without comments and needless white space."""
    includes: tuple[str, ...]
    """Paths or path ends of the files that it names."""
    has_computed_include: bool
    """It includes a file whose name only a preprocessor knows: it may be any."""
    imported_names: frozenset[str]
    """Modules and capsules that code which includes it will import."""
    words: frozenset[str]
    """Those of the wanted identifiers that occur in it; of a Cython file all identifiers."""


def is_interface_file(path: str) -> bool:
    """Whether `path` in a wheel is a file that others build with."""
    lower = path.lower()
    if ".libs/" in path:
        return False
    return lower.endswith(SUFFIXES) or (
        # Looked at for every member of a wheel, so the plain test comes first.
        ("include/" in path or "headers/" in path)
        and _INCLUDE_DIRECTORY.fullmatch(path) is not None
        and not lower.endswith(_NO_HEADER)
    )


def installed_path(path: str) -> str:
    """`path` without its `{name}-{version}.data/` directory, which changes with every version.

    What goes to site-packages is named as from there.
    """
    head, _, rest = path.partition("/")
    if not head.endswith(".data"):
        return path
    scheme, _, below = rest.partition("/")
    return below if scheme in ("purelib", "platlib") else rest


def read_file(member: str, data: bytes, wanted: frozenset[str]) -> InterfaceFile:
    """What is to know of the member of a wheel that holds `data`.

    `wanted` are identifiers to look for in it.
    """
    path = installed_path(member)
    lower = path.lower()
    includes: tuple[str, ...] = ()
    directives = b""
    is_cython = lower.endswith(CYTHON_SUFFIXES)
    if is_cython:
        text = _CYTHON_NOISE.sub(rb"\1", data)
        lines = [line.rstrip() for line in text.splitlines()]
        directives = text
        includes = (*_cython_includes(SPLICE.sub(b" ", text), path), *included(text))
    elif lower.endswith(OTHER_SUFFIXES):
        text, lines = b"", [compile_flags(lower, data)]
    else:
        text = c_text(data)
        lines = [b" ".join(line.split()) for line in text.splitlines()]
        directives = b"\n".join(line for line in lines if line.startswith((b"#", b"%:")))
        includes = tuple(included(directives))
        if is_doubtful(data):
            lines, directives = [data], data
            includes += tuple(included(data))
    return InterfaceFile(
        path=path,
        member=member,
        digest=hashlib.sha256(data).hexdigest(),
        tokens=hashlib.sha256(b"\n".join(line for line in lines if line)).hexdigest(),
        includes=includes,
        has_computed_include=_COMPUTED_INCLUDE.search(directives) is not None,
        imported_names=frozenset(
            each.decode("ascii")
            for each in (*_IMPORTED_NAME.findall(text), *_DEFINED_NAME.findall(directives))
        ),
        words=_words(text, None if is_cython else wanted),
    )


def is_c_header(path: str) -> bool:
    """Whether the interface file at `path` is C or C++."""
    return not path.lower().endswith((*CYTHON_SUFFIXES, *OTHER_SUFFIXES))


def c_text(data: bytes) -> bytes:
    """A header without comments, each directive on one line, white space in literals hidden."""
    return _C_NOISE.sub(_kept_of_c, SPLICE.sub(b"", data))


def is_doubtful(data: bytes) -> bool:
    """Whether it is hard to say what is a comment in a header, or which lines of it are one."""
    return (
        _TRIGRAPH_SPLICE in data
        or _BLANK_SPLICE.search(data) is not None
        or _SLASHES_IN_NAME.search(data) is not None
        or (_RAW_LITERAL.search(data) is not None and SPLICE.search(data) is not None)
    )


def _words(text: bytes, wanted: frozenset[str] | None = None) -> frozenset[str]:
    """The identifiers in `text`, or those of them that are wanted."""
    words = set(_WORD.findall(text)) if wanted is None or wanted else set()
    if wanted is not None:
        words &= {each.encode() for each in wanted}
    return frozenset(each.decode("ascii") for each in words)


def _kept_of_c(match: re.Match[bytes]) -> bytes:
    """A literal, its white space kept from being folded; a space for a comment."""
    found = match[0]
    if found.startswith(b"//") or (found.startswith(b"/*") and found.endswith(b"*/", 2)):
        return b" "
    return found.translate(_VISIBLE_SPACE)


def included(text: bytes) -> Iterator[str]:
    """What the text of a header includes or asks for: paths or path ends."""
    asked = _HAS_INCLUDE.findall(text) if b"__has_include" in text else ()
    for each in (*_C_INCLUDE.findall(text), *asked):
        parts = posixpath.normpath(each.decode("utf-8", "replace")).split("/")
        yield "/".join(part for part in parts if part not in ("..", "."))


def asked_for(data: bytes) -> Iterator[str]:
    """Base names of the files that a header asks for (`__has_include`); empty if a macro names it.

    In comments, too.
    """
    spliced = SPLICE.sub(b"", data)
    for text in (spliced, c_text(data)) if b"__has_include" in spliced else ():
        for each in _ASKS.findall(text):
            yield posixpath.basename(each.decode("utf-8", "replace"))


def _cython_includes(text: bytes, path: str) -> Iterator[str]:
    for each in _CYTHON_INCLUDE.findall(text):
        yield each.decode("utf-8", "replace")
    modules = [each.split()[0] for each in _split_cimports(text)]
    for module, imported in _CYTHON_FROM.findall(text):
        modules.append(module)
        names = (each.split() for each in imported.strip(b"()").split(b","))
        inside = module if module.endswith(b".") else module + b"."
        modules += [inside + name[0] for name in names if name]
    for module in modules:
        yield from _module_files(module.decode("utf-8", "replace"), path)


def _split_cimports(text: bytes) -> Iterator[bytes]:
    for line in _CYTHON_CIMPORT.findall(text):
        yield from (each for each in line.split(b",") if each.strip())


def _module_files(module: str, path: str) -> Iterator[str]:
    relative = len(module) - len(module.lstrip("."))
    base = module.lstrip(".").replace(".", "/")
    if relative:
        directory = path
        for _ in range(relative):
            directory = posixpath.dirname(directory)
        base = posixpath.join(directory, base) if base else directory
    yield f"{base}.pxd"
    yield f"{base}/__init__.pxd"
