"""A type of C or C++ in DWARF -> its shape: all that the binary interface depends on, and no more.

What is left out: where it was declared, who may access it, names of typedefs and of integer types
(`long` and `long long` of one size), static members, functions that are not virtual. Structs,
unions, classes and enumerations with a name stand in a shape by that name; their own shape is in
the table of the library (`type_digests`), so that a shape never runs in circles.

DWARF 5: 5 "Type Entries", 3.3 "Subroutine and Entry Point Entries".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

from backend_shim.binary.debug_info import (
    DebugInfo,
    NotDescribed,
    is_c,
    linkage_name_of,
    name_of,
)

if TYPE_CHECKING:
    from elftools.dwarf.die import DIE

Shape: TypeAlias = "str | int | bool | tuple[Shape, ...] | None"
Name: TypeAlias = tuple[str, ...]
"""`struct`, `union` or `enum`, then the names of its scopes and its own."""

_KINDS: Final = {
    "DW_TAG_structure_type": "struct",
    "DW_TAG_class_type": "struct",  # the same thing in C++, and often declared as the other one
    "DW_TAG_union_type": "union",
    "DW_TAG_enumeration_type": "enum",
}
_QUALIFIERS: Final = {
    "DW_TAG_const_type": "const",
    "DW_TAG_volatile_type": "volatile",
    "DW_TAG_restrict_type": "restrict",
    "DW_TAG_atomic_type": "atomic",
}
_POINTERS: Final = {
    "DW_TAG_pointer_type": "pointer",
    "DW_TAG_reference_type": "reference",
    "DW_TAG_rvalue_reference_type": "rvalue reference",
}
_TRANSPARENT: Final = frozenset({"DW_TAG_typedef", "DW_TAG_template_alias"})
# Below an aggregate, and without bearing on its layout; so are types, which only stand there.
_WITHOUT_LAYOUT: Final = frozenset(
    {
        *("DW_TAG_typedef", "DW_TAG_variable", "DW_TAG_friend", "DW_TAG_template_alias"),
        *("DW_TAG_template_type_param", "DW_TAG_template_value_param"),
        *("DW_TAG_GNU_template_template_param", "DW_TAG_GNU_template_parameter_pack"),
        *("DW_TAG_imported_declaration", "DW_TAG_imported_module"),
    }
)
# DW_ATE_*: boolean, signed, signed_char, unsigned, unsigned_char, UTF: told apart by their size.
_INTEGERS: Final = frozenset({0x02, 0x05, 0x06, 0x07, 0x08, 0x10})
_DW_OP_PLUS_UCONST: Final = 0x23
_MAX_DEPTH: Final = 64


def kind_of(entry: DIE) -> str:
    """`struct`, `union` or `enum`, for an entry of a type that may have a name."""
    return _KINDS[str(entry.tag)]


class Found:
    """What was met on the way through a shape."""

    def __init__(self) -> None:
        self.names: set[Name] = set()
        """The named types that it refers to."""
        self.is_closed = True
        """False where data may pass that no type tells of: `void *`, `...`, no prototype."""


class Shapes:
    """The shapes of the types of one object."""

    def __init__(self, info: DebugInfo, scope_of: Callable[[DIE], Name | None]) -> None:
        """`scope_of` gives the names that lead to a named type, its own last, or None."""
        self._info = info
        self._scope_of = scope_of
        # The nameless types that are being described, by their offsets.
        self._open: set[int] = set()

    def type_of(
        self, entry: DIE | None, found: Found, depth: int = 0, *, is_parameter: bool = False
    ) -> Shape:
        """The shape of the type that `entry` is; None is `void`.

        C11, 6.7.6.3: qualifiers of a parameter or of what is returned are no part of the type of a
        function; `restrict` is kept, as it binds the caller.
        """
        if entry is None:
            return "void"
        if depth > _MAX_DEPTH:
            raise NotDescribed("nested too deeply")
        tag = str(entry.tag)
        if tag in _KINDS:
            return self._aggregate_or_name(entry, found, depth)
        inner = self._info.referred(entry, "DW_AT_type")
        if tag in _TRANSPARENT:
            shape = self.type_of(inner, found, depth + 1, is_parameter=is_parameter)
            aligned = _number(entry, "DW_AT_alignment")
            return ("aligned", aligned, shape) if aligned else shape
        if (qualifier := _QUALIFIERS.get(tag)) is not None:
            shape = self.type_of(inner, found, depth + 1, is_parameter=is_parameter)
            is_dropped = is_parameter and qualifier in ("const", "volatile")
            return shape if is_dropped else (qualifier, shape)
        if (pointer := _POINTERS.get(tag)) is not None:
            return self._pointer(entry, pointer, inner, found, depth)
        return self._other(entry, inner, found, depth)

    def _other(self, entry: DIE, inner: DIE | None, found: Found, depth: int) -> Shape:
        match entry.tag:
            case "DW_TAG_base_type":
                return _base(entry)
            case "DW_TAG_unspecified_type":
                return ("unspecified", name_of(entry))
            case "DW_TAG_array_type":
                return self._array(entry, inner, found, depth)
            case "DW_TAG_subroutine_type":
                return self.function(entry, entry, inner, found, depth)
            case "DW_TAG_ptr_to_member_type":
                owner = self._info.referred(entry, "DW_AT_containing_type")
                return (
                    "pointer to member",
                    self.type_of(owner, found, depth + 1),
                    self.type_of(inner, found, depth + 1),
                )
        raise NotDescribed(str(entry.tag))

    def function(
        self, entry: DIE, parameters: DIE, returned: DIE | None, found: Found, depth: int = 0
    ) -> Shape:
        """The shape of a function: `entry` describes it, `parameters` has these below it."""
        shapes: list[Shape] = []
        if is_c(entry.cu) and "DW_AT_prototyped" not in entry.attributes:
            found.is_closed = False
            shapes.append("unknown parameters")
        for child in self._info.children(parameters):
            if child.tag == "DW_TAG_formal_parameter":
                inner = self._info.referred(child, "DW_AT_type")
                shapes.append(self.type_of(inner, found, depth + 1, is_parameter=True))
            elif child.tag == "DW_TAG_unspecified_parameters":
                found.is_closed = False
                shapes.append("...")
        return (
            "function",
            self.type_of(returned, found, depth + 1, is_parameter=True),
            tuple(shapes),
            _number(entry, "DW_AT_calling_convention"),
        )

    def definition(self, entry: DIE, found: Found, depth: int = 0) -> Shape:
        """The shape of an aggregate or enumeration, member by member."""
        if entry.tag == "DW_TAG_enumeration_type":
            return self._enumeration(entry, found, depth)
        members: list[Shape] = []
        for child in self._info.children(entry):
            members += self._member(child, found, depth + 1)
        return (
            kind_of(entry),
            _number(entry, "DW_AT_byte_size"),
            _number(entry, "DW_AT_alignment"),
            _number(entry, "DW_AT_calling_convention"),
            tuple(members),
        )

    def _aggregate_or_name(self, entry: DIE, found: Found, depth: int) -> Shape:
        if "DW_AT_signature" in entry.attributes:
            raise NotDescribed("a type unit")
        scope = self._scope_of(entry)
        if scope is None:
            if "DW_AT_declaration" in entry.attributes or name_of(entry) is not None:
                raise NotDescribed("a type that stands nowhere")
            return self._nameless(entry, found, depth)
        name = (kind_of(entry), *scope)
        found.names.add(name)
        return ("named", *name)

    def _nameless(self, entry: DIE, found: Found, depth: int) -> Shape:
        if entry.offset in self._open:
            raise NotDescribed("a type without a name that refers to itself")
        self._open.add(entry.offset)
        try:
            return self.definition(entry, found, depth)
        finally:
            self._open.discard(entry.offset)

    def _pointer(self, entry: DIE, kind: str, inner: DIE | None, found: Found, depth: int) -> Shape:
        target = self.type_of(inner, found, depth + 1)
        bare = target
        while isinstance(bare, tuple) and bare[0] in _QUALIFIERS.values():
            bare = bare[1]
        if bare == "void":
            found.is_closed = False
        return (
            kind,
            _number(entry, "DW_AT_byte_size"),
            _number(entry, "DW_AT_address_class"),
            target,
        )

    def _array(self, entry: DIE, inner: DIE | None, found: Found, depth: int) -> Shape:
        dimensions: list[Shape] = []
        for child in self._info.children(entry):
            if child.tag != "DW_TAG_subrange_type":
                raise NotDescribed(f"an array by {child.tag}")
            count = _number(child, "DW_AT_count")
            bound = _number(child, "DW_AT_upper_bound")
            dimensions.append(count if bound is None else bound + 1)
        return (
            "vector" if "DW_AT_GNU_vector" in entry.attributes else "array",
            tuple(dimensions),
            _number(entry, "DW_AT_byte_size"),
            self.type_of(inner, found, depth + 1),
        )

    def _enumeration(self, entry: DIE, found: Found, depth: int) -> Shape:
        values = sorted(
            (name_of(child) or "", _number(child, "DW_AT_const_value") or 0)
            for child in self._info.children(entry)
            if child.tag == "DW_TAG_enumerator"
        )
        underlying = self._info.referred(entry, "DW_AT_type")
        return (
            "enum",
            _number(entry, "DW_AT_byte_size"),
            None if underlying is None else self.type_of(underlying, found, depth + 1),
            tuple(values),
        )

    def _member(self, entry: DIE, found: Found, depth: int) -> Iterator[Shape]:
        inner = self._info.referred(entry, "DW_AT_type")
        if entry.tag == "DW_TAG_member":
            if "DW_AT_external" in entry.attributes or "DW_AT_declaration" in entry.attributes:
                return  # static, as DWARF 4 has it
            yield (
                name_of(entry),
                _location(entry),
                *(_number(entry, each) for each in _BIT_FIELD),
                self.type_of(inner, found, depth),
            )
        elif entry.tag == "DW_TAG_inheritance":
            yield (
                "inherits",
                _location(entry),
                _number(entry, "DW_AT_virtuality"),
                self.type_of(inner, found, depth),
            )
        elif entry.tag == "DW_TAG_subprogram":
            if _number(entry, "DW_AT_virtuality"):
                yield (
                    "virtual",
                    _plain(entry, "DW_AT_vtable_elem_location"),
                    linkage_name_of(entry) or name_of(entry),
                    self.function(entry, entry, inner, found, depth),
                )
        elif entry.tag not in _WITHOUT_LAYOUT and not str(entry.tag).endswith("_type"):
            raise NotDescribed(f"{entry.tag} in an aggregate")


_BIT_FIELD: Final = (
    *("DW_AT_bit_size", "DW_AT_data_bit_offset", "DW_AT_bit_offset"),
    *("DW_AT_byte_size", "DW_AT_alignment"),
)


def _base(entry: DIE) -> Shape:
    encoding = _number(entry, "DW_AT_encoding")
    return (
        "base",
        encoding,
        _number(entry, "DW_AT_byte_size"),
        _number(entry, "DW_AT_bit_size"),
        _number(entry, "DW_AT_endianity"),
        # x87's 80 bits and a quadruple-precision number both take 16 bytes.
        None if encoding in _INTEGERS else name_of(entry),
    )


def _plain(entry: DIE, attribute: str) -> Shape:
    """The value of an attribute: a number, or the bytes of an expression."""
    value = entry.attributes.get(attribute)
    if value is None:
        return None
    if isinstance(value.value, int):
        return value.value
    if isinstance(value.value, (list, bytes)):
        return tuple(value.value)
    raise NotDescribed(f"{attribute} of the form {value.form}")


def _number(entry: DIE, attribute: str) -> int | None:
    found = _plain(entry, attribute)
    if found is None or isinstance(found, int):
        return found
    raise NotDescribed(f"{attribute} is worked out at run time")


def _location(entry: DIE) -> Shape:
    """The offset of a member; of a virtual base the expression that finds it.

    DWARF 2 has DW_OP_plus_uconst and the offset, for which DWARF 3 has the number alone.
    """
    found = _plain(entry, "DW_AT_data_member_location")
    if isinstance(found, tuple) and found and found[0] == _DW_OP_PLUS_UCONST:
        digits = [each for each in found[1:] if isinstance(each, int)]
        return sum((each & 0x7F) << 7 * place for place, each in enumerate(digits))
    return found
