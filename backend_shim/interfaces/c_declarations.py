"""Headers of C and C++ taken apart: directives and top-level declarations, without a compiler.

Preprocessing (C11 5.1.1.2, phases 1 to 3) and brackets are enough to see where a declaration ends;
which branch of an `#if` is taken is never decided. Blocks of `extern "C"` and namespaces are
opened; a class, an enum or a body is one declaration with all that is in it. What does not fit
raises NotSplit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from backend_shim.interfaces.c_kinds import (
    CLASS_KEYS,
    CLOSING,
    OPENING,
    behind_template,
    classify,
    directive_kind,
    outside_brackets,
)
from backend_shim.interfaces.declarations import IDENTIFIER, Item, Kind, NotSplit
from backend_shim.interfaces.interface_file import SPLICE, is_doubtful

_TOKEN: Final = re.compile(
    r"""
      (?P<newline>\n)
    | (?P<header>(?:(?<=include)|(?<=include_next))[ \t]*<[^>\n]*>)
    | (?P<space>[ \t\r\f\v]+|/\*.*?\*/|//[^\n]*)
    | (?P<raw>(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")
    | (?P<text>(?:u8|[uUL])?(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    | (?P<number>\.?[0-9](?:[eEpP][+-]|'\w|[\w.])*)
    | (?P<word>[A-Za-z_$\x80-\xff][\w$\x80-\xff]*)
    | (?P<open>/\*|(?:u8|[uUL])?R"[^()\\\s]{0,16}\()
    | (?P<sign>\.\.\.|<=>|<<=|>>=|->\*|::|\#\#|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\|
        |\+=|-=|\*=|/=|%=|&=|\|=|\^=|\.\*|%:|.)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_CONDITIONS: Final = frozenset({"#if", "#ifdef", "#ifndef"})
_BRANCHES: Final = frozenset({"#elif", "#elifdef", "#elifndef", "#else"})
# In one declaration, side by side: a constructor has some, a list of declarators may.
_MAX_BRACES: Final = 256
_BEHIND_PARAMETERS: Final = frozenset(
    {")", "const", "volatile", "noexcept", "override", "final", "&", "&&", "try"}
)


def split(data: bytes) -> tuple[Item, ...]:
    """The items of a header, in order; raises NotSplit."""
    if is_doubtful(data):
        raise NotSplit("what is a comment is not certain")
    splitter = _Splitter()
    for tokens, is_directive in _lines(SPLICE.sub(b"", data).decode("latin-1")):
        if is_directive:
            splitter.directive(tokens)
        else:
            for lexeme in tokens:
                splitter.take(lexeme)
    return splitter.end()


def _lines(text: str) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The tokens of each line, and whether it is a directive; the first lexeme is then `#name`."""
    line: list[str] = []
    is_directive = False
    is_adjacent = False
    for match in _TOKEN.finditer(text):
        kind, lexeme = match.lastgroup, match.group()
        if kind == "newline":
            if line:
                yield tuple(line), is_directive
            line, is_directive = [], False
        elif kind == "open":
            raise NotSplit("unterminated comment or literal")
        elif kind == "space":
            is_adjacent = False
            continue
        elif not line and lexeme in ("#", "%:"):
            line, is_directive = ["#"], True
        elif is_directive and line == ["#"]:
            line = ["#" + lexeme]
        elif is_directive and is_adjacent and lexeme == "(" and len(line) == 2:
            # `#define A(x)` takes arguments, `#define A (x)` does not.
            line[1] += "("
        else:
            line.append("".join(lexeme.split()) if kind == "header" else lexeme)
        is_adjacent = True
    if line:
        yield tuple(line), is_directive


class _Splitter:
    """Tokens and directives in, items out."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.conditions: list[str] = []
        self.blocks: list[str] = []
        self.conditions_of_blocks: list[list[str]] = []
        self._begin()

    def _begin(self) -> None:
        self.run: list[str] = []
        self.brackets: list[str] = []
        self.braces: list[int] = []
        # For each `#if` within the declaration: the brackets open at it and at a branch's end.
        self.branches: list[tuple[list[str], list[str] | None]] = []

    def directive(self, tokens: tuple[str, ...]) -> None:
        name = tokens[0]
        if self.run:
            self._inner_directive(name)
            self.run.append("\n".join(tokens))
        elif name in _CONDITIONS:
            self.conditions.append(" ".join(tokens))
        elif name in _BRANCHES or name == "#endif":
            if not self.conditions:
                raise NotSplit("branch without a condition")
            before = self.conditions.pop()
            if name != "#endif":
                self.conditions.append(" ".join((before, *tokens)))
        elif name != "#":
            self._add(tokens, *directive_kind(tokens))

    def _inner_directive(self, name: str) -> None:
        """A condition within a declaration must leave the same brackets open in every branch."""
        if name in _CONDITIONS:
            self.branches.append((list(self.brackets), None))
        elif name in _BRANCHES or name == "#endif":
            if not self.branches:
                raise NotSplit("branch of a condition that begins before a declaration")
            start, end = self.branches.pop()
            if end is not None and end != self.brackets:
                raise NotSplit("branches with different brackets")
            if name == "#endif":
                if end is None and start != self.brackets:
                    raise NotSplit("brackets in one branch only")
                return
            self.branches.append((start, list(self.brackets)))
            self.brackets = list(start)

    def take(self, lexeme: str) -> None:
        if not self.run and lexeme in (";", "}"):
            if lexeme == "}":
                self._end_block()
            return
        self.run.append(lexeme)
        if lexeme in OPENING:
            self._open(lexeme)
        elif lexeme in CLOSING and (not self.brackets or self.brackets.pop() != lexeme):
            raise NotSplit("brackets that do not match")
        if self.brackets or self.branches:
            return
        if lexeme == ";" or (lexeme == "}" and self._ends_body()):
            self._finish()

    def _open(self, lexeme: str) -> None:
        if lexeme == "{" and not self.brackets:
            if not self.branches and _opens_block(self.run[:-1]):
                self.blocks.append(" ".join((*self.conditions, *self.run)))
                self.conditions_of_blocks.append(list(self.conditions))
                self._begin()
                return
            self.braces.append(len(self.run) - 1)
            if len(self.braces) > _MAX_BRACES:
                raise NotSplit("too many braces")
        self.brackets.append(OPENING[lexeme])

    def _end_block(self) -> None:
        if not self.blocks or self.conditions_of_blocks.pop() != self.conditions:
            raise NotSplit("block that is closed under another condition, or never opened")
        self.blocks.pop()

    def _ends_body(self) -> bool:
        """Whether the braces just closed are a function's, behind which nothing has to follow."""
        head = outside_brackets(behind_template(self.run[: self.braces[-1]]))
        if "=" in head:
            return False
        is_type = not CLASS_KEYS.isdisjoint(head)
        if "(" not in head:
            if not is_type:
                raise NotSplit("braces of an unknown kind")
            return False
        return not is_type or head[-1] in _BEHIND_PARAMETERS

    def _finish(self) -> None:
        if not (IDENTIFIER.match(self.run[0]) or self.run[0] in ("[", "::", "~")):
            raise NotSplit(f"declaration that begins with {self.run[0]!r}")
        if len(self.run) == 2 and self.run[1] == ";":
            raise NotSplit("name without a declaration")
        kind, names = classify(self.run)
        if (
            len(self.run) == 3
            and self.run[0] in CLASS_KEYS
            and not any("namespace" in block for block in self.blocks)
        ):
            # Outside of namespaces `struct S;` gives no other S another meaning.
            names = frozenset()
        self._add(tuple(self.run), kind, names)
        self._begin()

    def _add(self, tokens: tuple[str, ...], kind: Kind, names: frozenset[str]) -> None:
        where = (*self.conditions, *self.blocks)
        self.items.append(Item(where=where, text=tokens, kind=kind, names=names))

    def end(self) -> tuple[Item, ...]:
        if self.conditions or self.blocks or self.brackets or self.branches:
            raise NotSplit("end within a condition, a block or a declaration")
        if self.run:
            # `END_DECLS`: a macro that stands alone.
            self._add(tuple(self.run), Kind.OTHER, frozenset())
        return tuple(self.items)


def _opens_block(head: Sequence[str]) -> bool:
    if len(head) == 2 and head[0] == "extern" and head[1].startswith('"'):
        return True
    return (head[:1] == ["namespace"] or head[:2] == ["inline", "namespace"]) and "=" not in head
