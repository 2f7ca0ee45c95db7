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
import struct
from collections.abc import Iterator
from typing import Final

from backend_shim.binary.shared_object import SharedObject
from backend_shim.interfaces.inspected_wheel import Buffer

_MESSAGE: Final = b"module compiled against API version 0x%x but this version of numpy is 0x%x"
# Intel SDM vol. 2: REX.W 8D /r with mod=00 r/m=101, `lea r64, [rip + disp32]`.
_LEA: Final = re.compile(rb"\x48\x8d[\x05\x0d\x15\x1d\x25\x2d\x35\x3d]", re.DOTALL)
_LEA_SIZE: Final = 7
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
    for section in shared.code:
        end = section.offset + section.size
        for match in _LEA.finditer(data, section.offset, end):
            at = match.start()
            if at + _LEA_SIZE > end:
                continue
            (displacement,) = struct.unpack_from("<i", data, at + 3)
            if section.address + at - section.offset + _LEA_SIZE + displacement == message:
                around = data[max(section.offset, at - _BEFORE) : min(end, at + _AFTER)]
                yield from (value[0] for value in third_argument.findall(around))
