"""Bounds follow from what a wheel takes of NumPy and PyTorch, and from nothing else."""

from __future__ import annotations

import pytest

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces.linking.facts import Import, Need, need_facts
from backend_shim.interfaces.proposed_bounds import proposed_bounds
from backend_shim.record.canonical import JSONValue
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import AbiFingerprint, Basis, Generator, InterfaceFacts

USE: dict[str, JSONValue] = {
    "accepts": [1, 2],
    "target": None,
    "feature_version": None,
    "is_target_partial": False,
    "by_name_knows": [],
    "is_by_name_partial": False,
    "types_only": False,
}


def fingerprint(**facts: Facts | None) -> AbiFingerprint:
    """Of a wheel that requires this, by interface."""
    return AbiFingerprint(
        generator=Generator(),
        is_purelib=False,
        requires=tuple(
            InterfaceFacts(interface=name.replace("_", "-"), basis=Basis.OBSERVED, facts=each)
            for name, each in facts.items()
            if each is not None
        ),
    )


def of_numpy(
    *, names: tuple[str, ...] = (), looked_for: tuple[str, ...] = ("numpy",), **facts: JSONValue
) -> tuple[str, bool] | None:
    asked = fingerprint(
        numpy_c_api=Facts({**USE, **facts}),
        import_name=Facts({"looked_for": [*looked_for], "names": [{"name": n} for n in names]}),
    )
    bounds = proposed_bounds(asked, {"numpy": "2.3.0"})
    return next(((each.requirement, each.is_enough) for each in bounds), None)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"target": [1, 23]}, ("numpy>=1.23", True)),
        ({"target": [1, 19], "accepts": [1]}, ("numpy>=1.19,<2", True)),
        # Headers before 1.25 write a number, whose first release NumPy publishes.
        ({"feature_version": 0xF, "accepts": [1]}, ("numpy>=1.22,<2", True)),
        ({"feature_version": 0x10, "target": [1, 19]}, ("numpy>=1.23", True)),
        ({"feature_version": 0xD, "target": [1, 25]}, ("numpy>=1.25", True)),
        ({"feature_version": 0x99, "accepts": [1]}, ("numpy<2", False)),
        # Some object does not tell: what the others need is needed, and may not be enough.
        ({"target": [1, 23], "is_target_partial": True}, ("numpy>=1.23", False)),
        ({"target": [1, 23], "by_name_knows": [1, 2]}, ("numpy>=1.23", True)),
        ({"target": [1, 23], "by_name_knows": [1]}, ("numpy>=1.23", False)),
        (
            {"target": [1, 23], "by_name_knows": [1, 2], "is_by_name_partial": True},
            ("numpy>=1.23", False),
        ),
        # Nothing is refused at import.
        ({"accepts": [], "by_name_knows": [1]}, None),
        ({"accepts": [], "types_only": True}, None),
        ({"is_target_partial": True}, None),
    ],
)
def test_what_the_wheel_takes_of_numpy(
    facts: dict[str, JSONValue], expected: tuple[str, bool] | None
) -> None:
    assert of_numpy(**facts) == expected


@pytest.mark.parametrize(
    ("names", "looked_for", "is_enough"),
    [
        (("numpy", "numpy._core._multiarray_umath", "numpy.ndarray", "other.random"), ("numpy",),
         True),
        # Cython's interface of `numpy.random` has neither of the two numbers.
        (("numpy.random.bit_generator",), ("numpy",), False),
        # Whoever never looked knows nothing of other ways.
        ((), ("other",), False),
    ],
)  # fmt: skip
def test_another_way_to_numpy_may_need_more(
    names: tuple[str, ...], looked_for: tuple[str, ...], is_enough: bool
) -> None:
    found = of_numpy(names=names, looked_for=looked_for, target=[1, 23])
    assert found == ("numpy>=1.23", is_enough)


def of_torch(built: str | None, *symbols: str) -> list[str]:
    need = Need(
        path="a/_C.so",
        format="elf",
        machine="x86_64",
        needed=("libtorch_cpu.so",),
        compatibility=(),
        imports=tuple(Import(each, None, None) for each in symbols),
        optional=(),
    )
    asked = fingerprint(linking=need_facts([need]))
    built_with = {"numpy": "2.0"} if built is None else {"torch": built}
    return [each.requirement for each in proposed_bounds(asked, built_with)]


@pytest.mark.parametrize(
    "symbol",
    [
        "_ZN2at4_ops5empty4callEv",
        "_ZNK3c1010TensorImpl5sizesEv",
        "_ZN5torch8autograd4nodeEv",
        "_ZTIN3c105ErrorE",
    ],
)
def test_who_takes_a_function_of_pytorch_s_namespaces_needs_that_very_release(symbol: str) -> None:
    assert of_torch("2.7.1+cpu", "other", symbol) == ["torch==2.7.1"]


@pytest.mark.parametrize("symbol", ["aoti_torch_get_dim", "_ZNSt6vectorIlE4sizeEv", "at_2at_c10"])
def test_functions_of_others_and_of_the_stable_abi_bind_to_no_release(symbol: str) -> None:
    assert of_torch("2.7.1", symbol) == []


@pytest.mark.parametrize("built", [None, "2.8.0.dev20250701", "strange"])
def test_a_release_that_is_not_known_or_can_not_be_had_again_is_not_demanded(
    built: str | None,
) -> None:
    assert of_torch(built, "_ZN2at4_ops5empty4callEv") == []


def test_facts_of_another_shape_are_no_bounds() -> None:
    with pytest.raises(InvalidRecord):
        of_numpy(accepts="all")
