"""Interface files: headers, `.pxd` files and static libraries, shipped for others to build with.

What a wheel offers is their digests. Whether a binding that is declared in them still holds is
asked by scope: the file that declares it and all that this file includes. Unchanged there means
that a rebuild would read the same declarations (design/verdicts.md, evidence "same interface").
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

from backend_shim.interfaces.inspected_wheel import InspectedWheel, OpenObject
from backend_shim.interfaces.provider import Declaration, Provider
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.record.canonical import JSONValue
from backend_shim.record.facts import Facts

NAME: Final = "header"

_CYTHON_SUFFIXES: Final = (".pxd", ".pxi")
_C_SUFFIXES: Final = (
    *(".h", ".hh", ".hpp", ".hxx", ".h++", ".inc", ".inl", ".ipp", ".tpp", ".tcc", ".cuh", ".def"),
)
_OTHER_SUFFIXES: Final = (".a", ".lib", ".pc", ".cmake", ".sip", ".i")
SUFFIXES: Final = (*_CYTHON_SUFFIXES, *_C_SUFFIXES, *_OTHER_SUFFIXES)

_C_NOISE = re.compile(
    rb"""(R"(?P<raw>[^()\\\s]{0,16})\(.*?\)(?P=raw)"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|/\*.*?\*/|//[^\n]*""",
    re.DOTALL,
)
_CYTHON_NOISE = re.compile(
    rb"""(\"\"\".*?\"\"\"|'''.*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|\#[^\n]*""", re.DOTALL
)
_C_INCLUDE = re.compile(
    rb"""^[ \t]*(?:\#|%:)[ \t]*(?:include(?:_next)?|import)[ \t]*["<]([^">\n]+)[">]""", re.MULTILINE
)
# `#include FT_FREETYPE_H`: which file that is only a preprocessor knows.
_COMPUTED_INCLUDE = re.compile(
    rb"^[ \t]*(?:\#|%:)[ \t]*include(?:_next)?[ \t]+[A-Za-z_]", re.MULTILINE
)
_SPLICE = re.compile(rb"\\\r?\n")
# Files of any name in such a directory are headers: `QtCore/QString`, `Eigen/Core`.
_INCLUDE_DIRECTORY = re.compile(r"(?:.*/)?(?:include|headers)/.*[^/]")
_NO_HEADER = (".py", ".pyc", ".pyi", ".so", ".md", ".rst", ".txt", ".html", ".json")
# A header says which module it is the interface of where it imports it, or defines the name of its
# capsule: `PyCapsule_Import("greenlet._C_API", 0)`, `#define PyDateTime_CAPSULE_NAME
# "datetime.datetime_CAPI"`.
_IMPORTED_NAME = re.compile(
    rb"(?:Import\w*[ \t]*\([^()\"\n]*|#[ \t]*define[ \t]+\w+[ \t]+\(?[ \t]*)"
    rb"\"([A-Za-z_]\w*(?:\.\w+)*)\"",
    re.ASCII,
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
class InterfaceFilesUnchanged(Reason):
    """Every file in the scope of the binding is the same in the old and the new provider."""

    kind: ClassVar[str] = "interface-files-unchanged"
    effect: ClassVar[Effect] = Effect.SUPPORTS
    evidence: ClassVar[Evidence | None] = Evidence.SAME_INTERFACE
    files: tuple[str, ...]
    equal_by: str
    """`digest`, or `tokens` where comments or white space differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceFilesChanged(Reason):
    """Files in the scope of the binding differ, so they prove nothing."""

    kind: ClassVar[str] = "interface-files-changed"
    effect: ClassVar[Effect] = Effect.OPEN
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDeclared(Reason):
    """No interface file of the provider declares what the consumer uses."""

    kind: ClassVar[str] = "not-declared"
    effect: ClassVar[Effect] = Effect.OPEN
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceFile:
    """One shipped interface file."""

    path: str
    """As installed: without the `{name}-{version}.data/` prefix."""
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


@dataclass(frozen=True, kw_only=True)
class InterfaceTree:
    """All interface files of one provider."""

    files: tuple[InterfaceFile, ...]

    @cached_property
    def by_path(self) -> dict[str, InterfaceFile]:
        return {each.path: each for each in self.files}

    @cached_property
    def _by_base_name(self) -> dict[str, list[InterfaceFile]]:
        table: dict[str, list[InterfaceFile]] = {}
        for each in self.files:
            table.setdefault(posixpath.basename(each.path), []).append(each)
        return table

    def scope(
        self, declarations: Iterable[Declaration]
    ) -> tuple[dict[str, InterfaceFile], tuple[str, ...]]:
        """The files that declare any of `declarations`, with all they include; undeclared names."""
        waiting: list[InterfaceFile] = []
        undeclared = []
        for declaration in declarations:
            declaring = list(self._declaring(declaration))
            waiting += declaring
            if not declaring:
                undeclared.append(declaration.name)
        found: dict[str, InterfaceFile] = {}
        while waiting:
            each = waiting.pop()
            if each.path not in found:
                found[each.path] = each
                waiting.extend(self._included(each))
        return found, tuple(sorted(undeclared))

    def _declaring(self, declaration: Declaration) -> Iterator[InterfaceFile]:
        if declaration.module is None:
            yield from (each for each in self.files if declaration.name in each.words)
            return
        base = declaration.module.replace(".", "/")
        for path in (f"{base}.pxd", f"{base}/__init__.pxd"):
            found = self.by_path.get(path)
            attribute = declaration.name.removeprefix(declaration.module).removeprefix(".")
            if found and found.words.issuperset(attribute.split(".") if attribute else ()):
                yield found
        for each in self.files:
            if any(
                name == declaration.name or name.startswith(declaration.name + ".")
                for name in each.imported_names
            ):
                yield each

    def _included(self, file: InterfaceFile) -> Iterator[InterfaceFile]:
        if file.has_computed_include:
            yield from self.files
            return
        for include in file.includes:
            for each in self._by_base_name.get(posixpath.basename(include), ()):
                if each.path == include or each.path.endswith("/" + include):
                    yield each


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


def read_tree(
    contents: Iterable[tuple[str, bytes]], wanted: frozenset[str] = frozenset()
) -> InterfaceTree:
    """The interface files among `contents` (path in the wheel, bytes).

    `wanted` are identifiers to look for in them.
    """
    files = [_read_file(installed_path(path), data, wanted) for path, data in contents]
    return InterfaceTree(files=tuple(sorted(files, key=lambda each: each.path)))


def _read_file(path: str, data: bytes, wanted: frozenset[str]) -> InterfaceFile:
    digest = hashlib.sha256(data).hexdigest()
    lower = path.lower()
    includes: tuple[str, ...] = ()
    is_cython = lower.endswith(_CYTHON_SUFFIXES)
    if is_cython:
        text = _CYTHON_NOISE.sub(rb"\1", data)
        lines = [line.rstrip() for line in text.splitlines()]
        includes = (*_cython_includes(_SPLICE.sub(b" ", text), path), *_c_includes(text))
    elif lower.endswith(_OTHER_SUFFIXES):
        text, lines = b"", [data]
    else:
        text = _C_NOISE.sub(_kept_of_c, _SPLICE.sub(b" ", data))
        lines = [b" ".join(line.split()) for line in text.splitlines()]
        includes = tuple(_c_includes(text))
    return InterfaceFile(
        path=path,
        digest=digest,
        tokens=hashlib.sha256(b"\n".join(line for line in lines if line)).hexdigest(),
        includes=includes,
        has_computed_include=_COMPUTED_INCLUDE.search(text) is not None,
        imported_names=frozenset(each.decode("ascii") for each in _IMPORTED_NAME.findall(text)),
        words=_words(text) if is_cython else wanted & _words(text) if wanted else frozenset(),
    )


def _words(text: bytes) -> frozenset[str]:
    return frozenset(each.decode("ascii") for each in _WORD.findall(text))


def _kept_of_c(match: re.Match[bytes]) -> bytes:
    """A literal, its white space kept from being folded; a space for a comment."""
    literal: bytes | None = match.group(1)
    return b" " if literal is None else literal.translate(_VISIBLE_SPACE)


def _c_includes(text: bytes) -> Iterator[str]:
    for each in _C_INCLUDE.findall(text):
        parts = posixpath.normpath(each.decode("utf-8", "replace")).split("/")
        yield "/".join(part for part in parts if part not in ("..", "."))


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


def compare_scope(
    declarations: Iterable[Declaration], old: InterfaceTree, new: InterfaceTree
) -> Reason:
    """Whether all that declares any of `declarations` is the same in `old` and `new`.

    A symbol of C or C++ tells which header declares it and not what else of the headers was
    compiled in: a layout, an inline function, a template. So for these no file may have changed.
    """
    wanted = tuple(declarations)
    before, undeclared = old.scope(wanted)
    if undeclared or not before:
        return NotDeclared(names=undeclared)
    after, _ = new.scope(wanted)
    if any(declaration.module is None for declaration in wanted):
        before = old.by_path
        after = {path: each for path, each in new.by_path.items() if path in before}
    changed = sorted(
        path
        for path in before.keys() | after.keys()
        if path not in before or path not in after or before[path].tokens != after[path].tokens
    )
    if changed:
        return InterfaceFilesChanged(files=tuple(changed))
    same_bytes = all(before[path].digest == after[path].digest for path in before)
    return InterfaceFilesUnchanged(
        files=tuple(sorted(before)), equal_by="digest" if same_bytes else "tokens"
    )


def read_object(_opened: OpenObject) -> JSONValue:
    """Nothing: interface files are no part of a binary."""
    return None


def provides(wheel: InspectedWheel) -> Facts | None:
    """How many interface files there are, and one digest over their paths and RECORD digests."""
    return facts_of(wheel.interface_files)


def facts_of(files: Mapping[str, str]) -> Facts | None:
    """What is said of interface files, given by path and RECORD digest."""
    return Facts({"files": len(files), "digest": _tree_digest(files)}) if files else None


def _tree_digest(files: Mapping[str, str]) -> str:
    lines = sorted(f"{installed_path(path)} {digest}\n" for path, digest in files.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def requires(_wheel: InspectedWheel) -> Facts | None:
    """Nothing: which files a build read is known from its build inputs only."""
    return None


def is_satisfied(_required: Facts, _old: Provider, _new: Provider) -> tuple[Binding, ...]:
    """No binding of its own: files are evidence for the bindings that the other interfaces find."""
    return ()
