"""Whatever bytes an object has, reading it ends, with facts or without."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from types import ModuleType

import pytest

from backend_shim.binary import read_shared_objects
from backend_shim.errors import InvalidBinary
from backend_shim.interfaces import capsule, cffi, nanobind, pybind11, sip, swig
from backend_shim.interfaces.inspected_wheel import ConstantStrings, OpenObject
from tests.backend_shim.interfaces.test_cffi import made_by_cffi
from tests.backend_shim.interfaces.test_pybind11 import MODULE, V4
from tests.backend_shim.interfaces.test_sip import client
from tests.backend_shim.interfaces.test_sip import sip as made_by_sip
from tests.support.binding_factory import compiled, literals

LOOKED_FOR = frozenset({"gift", "gift.sip", "_cffi_backend"})


def seen(interface: ModuleType, data: bytes) -> list[object]:
    return [
        interface.read_object(
            OpenObject(
                path="m.so",
                data=data,
                shared=shared,
                strings=ConstantStrings(data, shared),
                looked_for=LOOKED_FOR,
            )
        )
        for shared in read_shared_objects(data)
    ]


@pytest.mark.parametrize(
    ("interface", "make"),
    [
        (cffi, lambda: made_by_cffi(0x2601)),
        (sip, lambda: client(12, 3)),
        (sip, lambda: made_by_sip(12, 3)),
        (capsule, lambda: made_by_sip(12, 3)),
        (pybind11, lambda: compiled(MODULE % V4, "-s", suffix=".cpp")),
        (nanobind, lambda: literals("nanobind", "__nb_internals_%s_%s__", "N4gift3BoxE")),
        (swig, lambda: literals("swig_runtime_data4.type_pointer_capsule", "_p_p_Box")),
    ],
)
def test_damaged_objects_do_no_harm(interface: ModuleType, make: Callable[[], bytes]) -> None:
    whole = make()
    assert any(each is not None for each in seen(interface, whole))
    chance = random.Random(11)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 4, 64))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.2:
            del data[chance.randrange(64, len(data)) :]
        try:
            found = seen(interface, bytes(data))
        except InvalidBinary:
            continue
        json.dumps(found)
