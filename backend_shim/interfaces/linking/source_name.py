"""The identifier of the source that a symbol stands for."""

from __future__ import annotations

import re
from typing import Final

# `?name@scope@@…`; `??0Class@@…` is its constructor, `??_7Class@@…` its table of virtual functions.
_MICROSOFT_NAME: Final = re.compile(r"\?(?:\?_?[0-9A-Z])?([A-Za-z_]\w*)@", re.ASCII)
_NEXT_NAME: Final = re.compile(r"(?:[A-Z][A-Za-z0-9]?_?|[KVrL])*?(\d+)")


def source_name(symbol: str) -> str:
    """The identifier that a header would have for `symbol`.

    Of a mangled C++ name it is the last source name. Itanium C++ ABI, 5.1.2:
    `<source-name> ::= <positive length number> <identifier>`.
    """
    if microsoft := _MICROSOFT_NAME.match(symbol):
        return microsoft[1]
    if not symbol.startswith("_Z"):
        return symbol
    nested = re.search(r"\d", symbol)
    name, at = symbol, nested.start() if nested else len(symbol)
    while match := _NEXT_NAME.match(symbol, at):
        length = int(match[1])
        if not 0 < length <= len(symbol) - match.end():
            break
        name = symbol[match.end() : match.end() + length]
        at = match.end() + length
        if at < len(symbol) and not symbol[at].isdigit():
            break
    return name
