"""Tags that promise more than the binaries keep."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.tags import parse_tag

from backend_shim.interfaces.cpython import InterpreterUse, StableAbiUse
from resolver_check.compare.promised_tags import broken_promises

SUFFIX = ".cpython-311-x86_64-linux-gnu.so"
NEWER = (((3, 7), ("PyCapsule_A",)), ((3, 11), ("PyType_GetName",)))


def _use(
    *suffixes: str,
    added: Any = (),
    outside: tuple[str, ...] = (),
    libraries: tuple[str, ...] = (),
    hooks: tuple[str, ...] = ("PyInit",),
    is_stable: bool = True,
) -> InterpreterUse:
    return InterpreterUse(
        suffixes=suffixes,
        hooks=hooks if suffixes else (),
        versioned_libraries=libraries,
        stable_abi=StableAbiUse(added=added, outside=outside) if is_stable else None,
    )


def _kinds(tags: str, use: InterpreterUse) -> list[str]:
    return [reason.kind for reason in broken_promises(parse_tag(tags), use)]


@pytest.mark.parametrize(
    ("tags", "use", "kinds"),
    [
        ("cp311-abi3-any", _use(".abi3.so", added=NEWER), []),
        ("cp312-abi3-any", _use(".abi3.so", added=NEWER), []),
        ("cp310-abi3-any", _use(".abi3.so", added=NEWER), ["tag-too-old"]),
        ("cp39.cp312-abi3-any", _use(".abi3.so", added=NEWER), ["tag-too-old"]),
        ("cp311-abi3-any", _use(".abi3.so", outside=("_PyA",)), ["outside-stable-abi"]),
        ("cp311-cp311-any", _use(".abi3.so", added=NEWER, outside=("_PyA",)), []),
        # A library of the wheel that calls the interpreter.
        ("cp311-abi3-any", _use(outside=("_PyA",)), ["outside-stable-abi"]),
        ("cp38-abi3-any", _use(SUFFIX, is_stable=False), ["for-one-python"]),
        ("cp38-abi3-any", _use(".pyd", libraries=("python311.dll",)), ["for-one-python"]),
        ("cp38-abi3-any", _use(".pyd"), []),
        ("cp311-cp311-any", _use(SUFFIX, is_stable=False), []),
        ("cp311-cp311-any", _use(".pyd", libraries=("python311.dll",)), []),
        ("cp312-cp312-any", _use(SUFFIX, is_stable=False), ["for-another-python"]),
        ("cp312-cp312-any", _use(SUFFIX, ".cp312-win_amd64.pyd"), []),
        ("cp312-cp312-any", _use(SUFFIX, ".so"), []),
        ("cp313-cp313t-any", _use(".cpython-313-darwin.so"), ["for-another-python"]),
        ("cp313-cp313t-any", _use(".cpython-313t-darwin.so"), []),
        ("pp310-pypy310_pp73-any", _use(".pypy310-pp73-x86_64-linux-gnu.so"), []),
        ("py3-none-any", _use(".so"), ["any-python-promised"]),
        ("py2.py3-none-manylinux1_x86_64", _use(SUFFIX), ["any-python-promised"]),
        ("py3-none-any", _use(), []),
        ("cp315-abi3.abi3t-any", _use(".abi3t.so", hooks=("PyModExport",)), []),
        ("cp315-abi3.abi3t-any", _use(".abi3t.so"), ["no-export-hook"]),
        ("cp315-abi3t-win_amd64", _use(".pyd"), ["no-export-hook"]),
        ("cp315-abi3t-any", _use(), []),
    ],
)
def test_what_a_tag_promises(tags: str, use: InterpreterUse, kinds: list[str]) -> None:
    assert _kinds(tags, use) == kinds


def test_the_finding_names_tag_release_and_symbols() -> None:
    (found,) = broken_promises(parse_tag("cp35.cp38-abi3-any"), _use(".abi3.so", added=NEWER))
    assert found.data() == {
        "tag": "cp35-abi3-any", "needed": "3.11", "symbols": ["PyType_GetName"],
    }  # fmt: skip
