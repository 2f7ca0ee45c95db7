"""What kind of declaration of C or C++ a run of tokens is, and what it gives names to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from backend_shim.interfaces.declarations import IDENTIFIER, Kind

OPENING: Final = {"(": ")", "[": "]", "{": "}"}
CLOSING: Final = frozenset(OPENING.values())
CLASS_KEYS: Final = frozenset({"struct", "union", "class", "enum"})
# What a name is not, where one is looked for before a parenthesis or at the end.
_NO_NAME: Final = frozenset({
    "alignas", "asm", "bool", "char", "char16_t", "char32_t", "char8_t", "class", "const",
    "consteval", "constexpr", "constinit", "decltype", "double", "enum", "explicit", "extern",
    "float", "if", "inline", "int", "long", "mutable", "noexcept", "operator", "register",
    "restrict", "return", "short", "signed", "sizeof", "static", "struct", "thread_local",
    "typedef", "typename", "union", "unsigned", "using", "virtual", "void", "volatile", "wchar_t",
    "while", "for", "switch", "auto", "template", "typeof", "_Alignas", "_Atomic", "_Bool",
    "_Complex", "_Noreturn", "_Static_assert", "_Thread_local", "static_assert", "__asm",
    "__asm__", "__attribute", "__attribute__", "__declspec", "__extension__", "__inline",
    "__inline__", "__restrict", "__typeof__", "_Pragma", "__pragma", "requires", "concept",
    "friend", "namespace", "export", "import", "module", "delete", "default", "new", "this",
    "throw", "try", "catch", "co_await", "co_return", "co_yield",
})  # fmt: skip
_COMPILED_IN: Final = frozenset(
    {"static", "inline", "__inline", "__inline__", "__forceinline", "constexpr", "consteval"}
)


def outside_brackets(tokens: Iterable[str]) -> list[str]:
    """`tokens` without what is in brackets; the brackets themselves stay, directives do not."""
    found: list[str] = []
    depth = 0
    for each in tokens:
        if each in CLOSING:
            depth -= 1
        if depth == 0 and not each.startswith("#"):
            found.append(each)
        if each in OPENING:
            depth += 1
    return found


def behind_template(tokens: Sequence[str]) -> Sequence[str]:
    """`tokens` behind `template <…>`; all of them if there is none or where it ends is unclear."""
    while tokens[:1] == ["template"] and tokens[1:2] == ["<"]:
        depth = round_brackets = 0
        for place, each in enumerate(tokens):
            if each in OPENING:
                round_brackets += 1
            elif each in CLOSING:
                round_brackets -= 1
            elif round_brackets == 0 and each in ("<", ">", ">>"):
                depth += {"<": 1, ">": -1, ">>": -2}[each]
                if depth <= 0:
                    tokens = tokens[place + 1 :]
                    break
        else:
            return tokens
    return tokens


_Classified: TypeAlias = tuple[Kind, frozenset[str]]
_OTHER: Final[_Classified] = (Kind.OTHER, frozenset())


def directive_kind(tokens: tuple[str, ...]) -> _Classified:
    """What kind of directive it is, and the macro that it defines."""
    if tokens[0] == "#define" and len(tokens) > 1:
        return Kind.MACRO, frozenset({tokens[1].removesuffix("(")})
    if tokens[0] in ("#include", "#include_next", "#import"):
        return Kind.INCLUDE, frozenset()
    return _OTHER


def classify(run: Sequence[str]) -> _Classified:
    """What kind of declaration `run` is, for those that may be added or need not be there."""
    if any(each.startswith("#") for each in run):
        return _OTHER
    tokens = run
    is_template = tokens[0] == "template"
    if is_template:
        tokens = behind_template(run)
        if tokens[:1] == ["template"] or list(run[1:3]) == ["<", ">"]:
            return _OTHER  # an explicit instantiation or specialization
    if tokens[:1] == ["extern"] and tokens[1].startswith('"'):
        tokens = ["extern", *tokens[2:]]
    if not tokens or tokens[0] in ("using", "namespace", "friend", "static_assert", "requires"):
        return _OTHER
    flat = outside_brackets(tokens)
    if "operator" in flat or "asm" in flat or "__asm__" in flat or "__asm" in flat:
        return _OTHER
    if tokens[0] in CLASS_KEYS or tokens[0] == "typedef":
        return _classify_type(tokens, flat)
    return _classify_function_or_variable(tokens, flat, is_template=is_template)


def _classify_type(tokens: Sequence[str], flat: list[str]) -> _Classified:
    if tokens[-1] != ";":
        return _OTHER
    names = set(_declarators(tokens))
    if "{" not in flat:
        if tokens[0] != "typedef":
            # `struct S;`. But `struct S x;` is a variable, which is left alone.
            is_forward = len(tokens) == 3 and IDENTIFIER.fullmatch(tokens[1])
            return (Kind.DECLARED, frozenset({tokens[1]})) if is_forward else _OTHER
        return (Kind.DECLARED, frozenset(names)) if names else _OTHER
    head = flat[: flat.index("{")]
    before_base = head[: head.index(":")] if ":" in head else head
    if "<" in before_base:
        return _OTHER  # a specialization
    # `class EXPORT Name final`
    named = [each for each in before_base if _is_name(each) and each != "final"]
    names.update(named[-1:])
    if flat.count("{") != 1 or not (names or "enum" in head):
        return _OTHER
    if "enum" in head:
        inside = tokens[tokens.index("{") + 1 : len(tokens) - tokens[::-1].index("}") - 1]
        names |= {each[0] for each in enumerators(inside) if each}
        return Kind.ENUM, frozenset(names)
    return Kind.DECLARED, frozenset(names)


def enumerators(inside: Sequence[str]) -> list[tuple[str, ...]]:
    """What stands between the commas outside of brackets; a comma at the end adds none."""
    found: list[list[str]] = [[]]
    depth = 0
    for each in inside:
        depth += (each in OPENING) - (each in CLOSING)
        if each == "," and depth == 0:
            found.append([])
        else:
            found[-1].append(each)
    return [tuple(each) for each in (found if found[-1] else found[:-1])]


def _declarators(tokens: Sequence[str]) -> Iterator[str]:
    """The names that a declaration without initializers gives, behind the last brace."""
    if "}" in tokens:
        tokens = tokens[len(tokens) - tokens[::-1].index("}") :]
    for declarator in enumerators(tokens[:-1]):
        flat = outside_brackets(declarator)
        if "(" in flat:
            # `(*name)(…)`
            inside = declarator[declarator.index("(") + 1 :]
            if inside[:1] == ("*",) and len(inside) > 1 and _is_name(inside[1]):
                yield inside[1]
            else:
                yield from filter(_is_name, declarator)
        else:
            behind = [each for each in flat if _is_name(each)]
            yield from behind[-1:]


def _is_name(each: str) -> bool:
    return IDENTIFIER.fullmatch(each) is not None and each not in _NO_NAME


def _classify_function_or_variable(
    tokens: Sequence[str], flat: list[str], *, is_template: bool
) -> _Classified:
    has_body = tokens[-1] == "}"
    is_compiled_in = is_template or has_body or not _COMPILED_IN.isdisjoint(flat)
    before_value = flat[: flat.index("=")] if "=" in flat else flat
    if "(" not in before_value:
        if "," in flat or "{" in before_value or tokens[-1] != ";":
            return _OTHER
        names = [each for each in before_value if _is_name(each)]
        if len(before_value) < 3 or not names:
            return _OTHER
        is_named_only = "extern" in flat and "=" not in flat and not is_compiled_in
        kind = Kind.FUNCTION if is_named_only else Kind.DECLARED
        return kind, frozenset(names[-1:])
    at = flat.index("(")
    head, rest = flat[:at], flat[at + 2 :]
    while head and head[-1] in ("__attribute__", "__declspec", "__attribute") and "(" in rest:
        at = rest.index("(")
        head, rest = head[:-1] + rest[:at], rest[at + 2 :]
    if len(head) < 2 or not _is_name(head[-1]) or head[-2] in ("::", "~") or "(" in rest:
        return _OTHER
    if "=" in flat or "," in flat or any(each[-1] in "\"'" for each in tokens if not has_body):
        return _OTHER
    return Kind.DECLARED if is_compiled_in else Kind.FUNCTION, frozenset({head[-1]})
