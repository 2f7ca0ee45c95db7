"""The sizes of a module's extension types, as far as its binary and its `.pxd` tell them.

A type is defined by a `PyTypeObject` (`tp_name`, `tp_basicsize`, `tp_itemsize`, …, `tp_flags`) or a
`PyType_Spec` (`name`, `basicsize` and `itemsize` as int, `flags`, `slots`): behind the pointer to
its name "module.Type" stands its size in both.

Who imports a type compares the size with that of its own struct (Cython/Utility/ImportExport.c,
TypeImport; the same in 0.29.37, 3.0.12, 3.1.6, 3.2.4 and 3.3.1): a smaller one is an error, a
larger one only where the `.pxd` says `check_size error` (PyrexTypes.py: `check_size or 'warn'`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias

from backend_shim.binary.code_references import can_find_references
from backend_shim.binary.elf_pointers import Pointer, pointers_to
from backend_shim.errors import InvalidBinary
from backend_shim.interfaces.inspected_wheel import OpenObject
from backend_shim.interfaces.reasons import Effect, Reason
from backend_shim.record.canonical import JSONValue
from backend_shim.record.decoding import (
    JSONObject,
    get_bool,
    get_int,
    get_object,
    path_to,
)

_IDENTIFIER: Final = re.compile(rb"[A-Za-z_]\w*", re.ASCII)
# `cdef class NAME(BASE) [object …, check_size error]:`, and not `class module.NAME` of others.
_CLASS: Final = re.compile(
    rb"^[ \t]*(?:cdef|ctypedef)[ \t]+(?:[a-z]+[ \t]+)*class[ \t]+([A-Za-z_]\w*)\s*"
    rb"(?:\(([^()]*)\)\s*)?(?:\[([^\[\]]*)\]\s*)?:",
    re.MULTILINE | re.ASCII,
)
_DOTTED: Final = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)
_STRICT: Final = re.compile(rb"\bcheck_size\s+error\b")
_WORDS: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# Object head of CPython on 64 bits; beyond the other no struct of a `.pxd` will be.
_LEAST, _MOST = 16, 1 << 24
_ALIGNMENT: Final = 8
# Of the words behind the name: in both the size, which in a spec shares its word with `itemsize`;
# of a spec `flags` and the pointer `slots`, of a type object `tp_itemsize` and `tp_flags`.
_SIZE, _SECOND, _SPEC_SLOTS, _TYPE_FLAGS = 0, 1, 2, 17
_WORDS_OF_TYPE: Final = 18
# Part of Py_TPFLAGS_DEFAULT (CPython, Include/object.h).
_HAVE_VERSION_TAG: Final = 1 << 18
# No object is aligned to more (CPython, Objects/obmalloc.c, ALIGNMENT).
_STRICTEST_ALIGNMENT: Final = 16
_DEEPEST: Final = 50
_WITHOUT_ITEMS: Final = frozenset(
    {"object", "dict", "list", "set", "frozenset", "bytearray", "BaseException", "Exception"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CythonTypeSizeChanged(Reason):
    """An extension type that the consumer imports has a size with which its import fails."""

    kind: ClassVar[str] = "cython-type-size-changed"
    effect: ClassVar[Effect] = Effect.REFUSES
    module: str
    type: str
    old: int
    new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CythonTypeSizeTolerated(Reason):
    """An extension type that the consumer may import has another size, of which Cython warns.

    So something in it moved, and no `.pxd` that reads the same says otherwise.
    """

    kind: ClassVar[str] = "cython-type-size-tolerated"
    effect: ClassVar[Effect] = Effect.OPEN
    module: str
    type: str
    old: int
    new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeSize:
    """What CPython allocates for an instance of an extension type."""

    basic: int
    item: int | None
    """Of each item behind it: 0 but for what derives from a type of variable size. None: not
    known, as a base of it is declared elsewhere."""
    is_strict: bool
    """Who was compiled with this `.pxd` does not take a larger one, either."""


Sizes: TypeAlias = Mapping[str, TypeSize]


def size_reasons(
    module: str, old: Sizes, new: Sizes, names: Collection[str], may_use: Callable[[str], bool]
) -> Iterator[Reason]:
    """For each type whose size changed, what that does to a consumer with the literals `names`.

    `may_use` says whether a name may be among them, merged with another. Sizes that are the same
    prove nothing.
    """
    for name in sorted(old.keys() & new.keys()):
        before, now = old[name], new[name]
        if before.basic == now.basic or not may_use(name):
            continue
        fails = name in names and _import_fails(before, now)
        reason = CythonTypeSizeChanged if fails else CythonTypeSizeTolerated
        yield reason(module=module, type=name, old=before.basic, new=now.basic)


def _import_fails(compiled: TypeSize, now: TypeSize) -> bool:
    """Whether a module that was compiled with the one size is certain not to take the other.

    Of what has items, one of them or the alignment may be missing.
    """
    if now.basic > compiled.basic:
        return compiled.is_strict
    if now.item is None:
        return False
    tolerated = max(now.item, _STRICTEST_ALIGNMENT) if now.item else 0
    return now.basic + tolerated < compiled.basic


def decode_sizes(table: JSONObject, path: str) -> dict[str, TypeSize]:
    """The sizes in what the record says of a module; raises InvalidRecord."""
    sizes, path = get_object(table, "sizes", path), path_to(path, "sizes")
    found = {}
    for name in sizes:
        each, place = get_object(sizes, name, path), path_to(path, name)
        found[name] = TypeSize(
            basic=get_int(each, "basic", place),
            item=get_int(each, "item", place, optional=True),
            is_strict=get_bool(each, "is_strict", place),
        )
    return found


def recorded_sizes(
    basic: Mapping[str, int],
    declared: bytes,
    files: PxdFiles,
    items: Mapping[str, int] | None = None,
) -> dict[str, JSONValue]:
    """What the record says of the sizes `basic`, of those types that the text of a `.pxd` declares.

    `items` are the sizes of their items, if they are known; else `files` may tell.
    """
    if not basic:
        return {}
    types = files.types(declared)
    return {
        name: {
            "basic": size,
            "item": items[name] if items is not None else files.item_size(name, declared),
            "is_strict": types[name].is_strict,
        }
        for name, size in sorted(basic.items())
        if name in types
    }


def basic_sizes(opened: OpenObject, module: str) -> dict[str, int]:
    """By name, the size of each type of `module` whose binary says it for certain."""
    if opened.shared.format != "elf":
        return {}
    names = dict(_type_names(opened, module))
    if not names:
        return {}
    try:
        pointers = pointers_to(opened.data, names, words=_WORDS_OF_TYPE)
    except InvalidBinary:
        return {}
    found: dict[str, list[int | None]] = {}
    for each in pointers:
        found.setdefault(names[each.target], []).append(_size_behind(each))
    return {name: size for name, (size, *more) in found.items() if size is not None and not more}


def _type_names(opened: OpenObject, module: str) -> Iterator[tuple[int, str]]:
    """Address and name of what may be a type: code that loads `module.name` names a function."""
    prefix = module.encode() + b"."
    loaded = opened.strings.loaded_addresses if can_find_references(opened.shared) else frozenset()
    for literal, address in opened.strings.literals(prefix):
        name = _IDENTIFIER.fullmatch(literal, len(prefix))
        if name and address is not None and address not in loaded:
            yield address, name[0].decode("ascii")


def _size_behind(pointer: Pointer) -> int | None:
    """The size, if what the pointer begins is the rest of a PyTypeObject or of a PyType_Spec."""
    words = (*pointer.behind, *[None] * _WORDS_OF_TYPE)
    size, second = words[_SIZE], words[_SECOND]
    if size is None or not _LEAST <= size < _MOST or size % _ALIGNMENT:
        return None
    is_type = second == 0 and _are_flags(words[_TYPE_FLAGS])
    is_spec = _are_flags(second) and words[_SPEC_SLOTS] is None
    return size if is_type or is_spec else None


def _are_flags(word: int | None) -> bool:
    return word is not None and bool(word & _HAVE_VERSION_TAG) and word >> 32 == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredType:
    """An extension type as a `.pxd` declares it."""

    base: str | None
    """Its only base, or None if it has none; empty if it has several, or is declared twice, or what
    stands there was not understood."""
    is_strict: bool
    """Who imports it fails with a larger one, too."""


def declared_types(declared: bytes) -> dict[str, DeclaredType]:
    """By name, the extension types that the text of a `.pxd` declares, as far as it is plain."""
    found: dict[str, DeclaredType] = {}
    for name, bases, options in _CLASS.findall(declared):
        base = bases.strip(b" \t\r\n,").decode("latin-1")
        each = DeclaredType(
            base=(base if _DOTTED.fullmatch(base) else "") if base else None,
            is_strict=_STRICT.search(options) is not None,
        )
        known = found.setdefault(name.decode("ascii"), each)
        if known != each:
            is_strict = known.is_strict and each.is_strict
            found[name.decode("ascii")] = DeclaredType(base="", is_strict=is_strict)
    return found


def may_declare(declared: bytes) -> bool:
    """Whether the text of a `.pxd`, or what it includes, may declare extension types at all."""
    return b"class" in declared or b"include" in declared


class PxdFiles:
    """The `.pxd` files of one wheel, each read when it is asked about, and once."""

    def __init__(self, texts: Iterable[bytes] = ()) -> None:
        self._texts = tuple(texts)
        self._types: dict[bytes, dict[str, DeclaredType]] = {}
        self._items: dict[tuple[str, bytes], int | None] = {}

    def types(self, text: bytes) -> dict[str, DeclaredType]:
        """As `declared_types`."""
        if text not in self._types:
            self._types[text] = declared_types(text)
        return self._types[text]

    def item_size(self, name: str, text: bytes, depth: int = _DEEPEST) -> int | None:
        """0 for a type of `text` whose bases all have no items, as far as these files tell."""
        key = name, text
        if key not in self._items:
            self._items[key] = None  # of what derives from itself
            each = self.types(text).get(name)
            if each is not None and each.base is None:
                self._items[key] = 0
            elif each is not None and each.base and depth:
                self._items[key] = self._item_size_of_base(each.base, text, depth - 1)
        return self._items[key]

    def _item_size_of_base(self, base: str, text: bytes, depth: int) -> int | None:
        """Of one that is declared elsewhere, whatever it is called there and wherever that is."""
        if base in self.types(text):
            return self.item_size(base, text, depth)
        if base in _WITHOUT_ITEMS:
            return 0
        name = base.rpartition(".")[2]
        found = {
            self.item_size(name, each, depth) for each in self._texts if name in self.types(each)
        }
        return 0 if found == {0} else None


def words_of(declared: bytes) -> frozenset[str]:
    """All identifiers in the text of a `.pxd`: none of its types has another name."""
    return frozenset(_WORDS.findall(declared.decode("latin-1")))
