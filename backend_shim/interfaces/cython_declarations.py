"""Cython's `.pxd` files taken apart: logical lines, and blocks by their indentation.

`cdef extern from …`, `cdef:` and compile-time `IF` are opened; a class, a struct or an enum is one
declaration with all that is in it. What does not fit raises NotSplit.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from backend_shim.interfaces.declarations import IDENTIFIER, Item, Kind, NotSplit

_TOKEN: Final = re.compile(
    r"""
      (?P<newline>\n)
    | (?P<splice>\\\r?\n)
    | (?P<space>[ \t\r\f]+)
    | (?P<setting>\#[ \t]*(?:cython|distutils)[ \t]*:[^\n]*)
    | (?P<comment>\#[^\n]*)
    | (?P<text>[A-Za-z]{0,2}(?:\"\"\".*?\"\"\"|'''.*?'''
        |(?!\"\"\"|''')(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')))
    | (?P<open>\"\"\"|''')
    | (?P<word>[A-Za-z_\x80-\xff][\w\x80-\xff]*)
    | (?P<number>\.?[0-9][\w.]*)
    | (?P<sign>\*\*|//|<<|>>|<=|>=|==|!=|->|:=|\.\.\.|.)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_OPENING: Final = {"(": ")", "[": "]", "{": "}"}
_CLOSING: Final = frozenset(_OPENING.values())
_DEPTH_LIMIT: Final = 20
_MODIFIERS: Final = frozenset({"cdef", "cpdef", "public", "api", "readonly", "extern", "packed"})
_TYPES: Final = frozenset({"struct", "union", "enum", "class", "cppclass", "fused", "ctypedef"})


class _Line(NamedTuple):
    indent: int
    tokens: tuple[str, ...]


def split(data: bytes) -> tuple[Item, ...]:
    """The items of a `.pxd` file, in order; raises NotSplit."""
    return tuple(_items(tuple(_lines(data.decode("latin-1"))), ()))


def _lines(text: str) -> Iterator[_Line]:
    """The logical lines: a line goes on within brackets and behind a backslash."""
    tokens: list[str] = []
    brackets: list[str] = []
    blanks: set[str] = set()
    indent = start = 0
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match.group()
        if kind == "newline":
            if not brackets:
                if tokens:
                    yield _Line(indent, tuple(tokens))
                tokens, start = [], match.end()
        elif kind not in ("space", "comment", "splice"):
            if not tokens:
                indent = match.start() - start
                blanks.update(text[start : match.start()])
            tokens.append(token)
            _follow(brackets, token)
    if brackets or len(blanks) > 1:
        raise NotSplit("end within brackets, or tabs and spaces")
    if tokens:
        yield _Line(indent, tuple(tokens))


def _follow(brackets: list[str], token: str) -> None:
    """Note which brackets are open behind `token`."""
    if token in ('"""', "'''"):
        raise NotSplit("unterminated literal")
    if token in _OPENING:
        brackets.append(_OPENING[token])
    elif token in _CLOSING and (not brackets or brackets.pop() != token):
        raise NotSplit("brackets that do not match")


def _items(lines: Sequence[_Line], where: tuple[str, ...]) -> Iterator[Item]:
    """The items of `lines`, which are one block."""
    if len(where) > _DEPTH_LIMIT:
        raise NotSplit("nested too deeply")
    before: list[_Line] = []
    chain = ""
    place = 0
    while place < len(lines):
        head = lines[place]
        if head.indent != lines[0].indent:
            raise NotSplit("indentation of no block")
        end = place + 1
        while end < len(lines) and lines[end].indent > head.indent:
            end += 1
        suite, place = lines[place + 1 : end], end
        if head.tokens[0] == "@":
            before.append(head)
            continue
        label = " ".join(head.tokens)
        if head.tokens[0] in ("ELIF", "ELSE"):
            label = f"{chain} {label}"
        chain = label if head.tokens[0] in ("IF", "ELIF") else ""
        if _opens_block(head.tokens) and suite and not before:
            yield from _items(suite, (*where, label))
        elif not _says_nothing(head.tokens, where) or suite:
            text = _text((*before, head, *suite))
            kind, names = (
                (Kind.OTHER, frozenset()) if before and not suite else _classify(head, suite, where)
            )
            yield Item(where=where, text=text, kind=kind, names=frozenset(names))
        before = []
    if before:
        raise NotSplit("decorator of nothing")


def _text(lines: Sequence[_Line]) -> tuple[str, ...]:
    """Tokens, with the depth of each line after the first before it."""
    found = list(lines[0].tokens)
    depths = {indent: depth for depth, indent in enumerate(sorted({each.indent for each in lines}))}
    for each in lines[1:]:
        found += [f"\n{depths[each.indent]}", *each.tokens]
    return tuple(found)


def _opens_block(tokens: tuple[str, ...]) -> bool:
    if tokens[-1] != ":":
        return False
    if tokens[0] in ("IF", "ELIF", "ELSE") or tokens[:3] == ("cdef", "extern", "from"):
        return True
    return tokens[0] == "cdef" and _MODIFIERS.issuperset(tokens[:-1])


def _says_nothing(tokens: tuple[str, ...], where: tuple[str, ...]) -> bool:
    """`pass`, and a text that stands alone; below `cdef extern from` a text is code of C."""
    return tokens == ("pass",) or (not where and len(tokens) == 1 and tokens[0][-1] in "\"'")


_Classified = tuple[Kind, frozenset[str]]
_OTHER: Final[_Classified] = (Kind.OTHER, frozenset())


def _classify(head: _Line, suite: Sequence[_Line], where: tuple[str, ...]) -> _Classified:
    tokens = head.tokens
    first = tokens[0]
    if ";" in tokens or first[-1] in "\"'" or first[0] == "#" or first in ("include", "import"):
        return _OTHER
    if first == "cimport" or (first == "from" and "cimport" in tokens):
        names = _bound_names(tokens)
        return (Kind.INCLUDE, names) if names else _OTHER
    if first == "DEF":
        return Kind.MACRO, frozenset(tokens[1:2])
    is_declared = first in ("cdef", "cpdef", "ctypedef") or any(
        each.startswith("cdef") for each in where
    )
    if not is_declared or tokens[:2] == ("cdef", "extern"):
        return _OTHER
    if not _TYPES.isdisjoint(tokens[:4]):
        return _classify_type(tokens, suite)
    return _classify_function_or_variable(tokens, suite, is_extern="extern" in " ".join(where))


def _bound_names(tokens: tuple[str, ...]) -> frozenset[str]:
    """What a `cimport` gives names to; empty for `*`."""
    at = tokens.index("cimport")
    names = set()
    for each in " ".join(t for t in tokens[at + 1 :] if t not in "()").split(","):
        words = each.split()
        if words:
            names.add(words[-1] if at or "as" in words else words[0])
    return frozenset() if "*" in names else frozenset(names)


def _classify_type(tokens: tuple[str, ...], suite: Sequence[_Line]) -> _Classified:
    """A type; of an enum the names in it are declared, too."""
    names: set[str] = set()
    if tokens[0] == "ctypedef" and not suite:
        # `ctypedef int (*name)(…)`, `ctypedef int name[3]`, `ctypedef int name`
        pairs = list(itertools.pairwise(tokens))
        if ("(", "*") in pairs:
            names.update(tokens[pairs.index(("(", "*")) + 2 :][:1])
        else:
            flat = tokens[: tokens.index("[")] if "[" in tokens else tokens
            names.add(flat[-1])
    else:
        names |= set(_named(tokens))
    if tokens[:2] == ("ctypedef", "fused"):
        # Compiled away: what is left are functions, one for each of its types, by their names.
        return Kind.FUNCTION, frozenset(names)
    if "enum" in tokens[:4]:
        names |= {each for line in suite for each in line.tokens if IDENTIFIER.fullmatch(each)}
    return Kind.DECLARED, frozenset(names)


def _named(tokens: tuple[str, ...]) -> Iterator[str]:
    """The name behind `class`, `struct` and so on: the last part of it where it has dots."""
    at = next(place for place, each in enumerate(tokens) if each in _TYPES)
    while tokens[at : at + 1] and tokens[at] in _TYPES:
        at += 1
    while tokens[at + 1 : at + 2] == (".",):
        at += 2
    if IDENTIFIER.fullmatch("".join(tokens[at : at + 1])):
        yield tokens[at]


def _classify_function_or_variable(
    tokens: tuple[str, ...], suite: Sequence[_Line], *, is_extern: bool
) -> _Classified:
    if "(" not in tokens or "=" in tokens[: tokens.index("(")]:
        if suite or "(" in tokens:
            return _OTHER
        names = [
            words[-1]
            for each in " ".join(tokens).split(",")
            if (words := IDENTIFIER.findall(each.partition("=")[0]))
        ]
        return Kind.DECLARED, frozenset(names)
    at = tokens.index("(")
    name = tokens[at - 1] if at else ""
    if at < 2 or not IDENTIFIER.fullmatch(name) or tokens[at + 1] == "*":
        return _OTHER
    is_named_only = not (suite or is_extern or "inline" in tokens[:at])
    return Kind.FUNCTION if is_named_only else Kind.DECLARED, frozenset({name})
