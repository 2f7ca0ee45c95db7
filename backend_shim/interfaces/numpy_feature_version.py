"""The NumPy feature version that an object built with headers before 1.25 demands.

Such headers write no target into the binary. But `import_array()` ends with
`PyErr_Format(PyExc_RuntimeError, "module compiled against API version 0x%x …",
NPY_FEATURE_VERSION, …)`, and the third argument of a call is an immediate beside the `lea` that
loads the message: on x86-64 `mov edx, imm32` (System V ABI, 3.2.3 "Parameter Passing", for Linux
and macOS) or `mov r8d, imm32` (Microsoft, "x64 calling convention").
Found in each of 444 objects of 14 wheels for Linux (SciPy, pandas, scikit-learn, tables, …), never
with two values, and in each of 203 objects of 14 wheels for Windows and as many for macOS, with the
same values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from backend_shim.binary.code_references import loads_of
from backend_shim.binary.shared_object import SharedObject
from backend_shim.interfaces.inspected_wheel import Buffer

_MESSAGE: Final = b"module compiled against API version 0x%x but this version of numpy is 0x%x"
# BA id, `mov edx, imm32`; 41 B8 id, `mov r8d, imm32`. Feature versions have been one byte since
# they exist (0x14 in NumPy 2.3).
_MOV_EDX: Final = re.compile(rb"\xba(.)\0\0\0", re.DOTALL)
_MOV_R8D: Final = re.compile(rb"\x41\xb8(.)\0\0\0", re.DOTALL)
_THIRD_ARGUMENT: Final = {"elf": _MOV_EDX, "macho": _MOV_EDX, "pe": _MOV_R8D}
# The compiler sets up the arguments of one call together; measured distances are below 30 bytes.
_BEFORE: Final = 24
_AFTER: Final = 32


def compiled_feature_version(data: Buffer, shared: SharedObject) -> int | None:
    """`NPY_FEATURE_VERSION` compiled into the object; None where the code does not tell it."""
    if shared.machine != "x86_64":
        return None
    found: set[int] = set()
    for message in _message_addresses(data, shared):
        versions = set(_third_arguments(data, shared, message))
        if not versions:
            return None
        found |= versions
    return found.pop() if len(found) == 1 else None


def _message_addresses(data: Buffer, shared: SharedObject) -> Iterator[int]:
    for section in shared.constants:
        end = section.offset + section.size
        at = data.find(_MESSAGE, section.offset, end)
        while at >= 0:
            yield section.address + at - section.offset
            at = data.find(_MESSAGE, at + 1, end)


def _third_arguments(data: Buffer, shared: SharedObject, message: int) -> Iterator[int]:
    """The immediates around each instruction that loads the address `message`."""
    third_argument = _THIRD_ARGUMENT[shared.format]
    for at in loads_of(data, shared, message):
        around = data[max(0, at - _BEFORE) : at + _AFTER]
        yield from (value[0] for value in third_argument.findall(around))
