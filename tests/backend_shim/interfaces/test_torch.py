"""What PyTorch promises of the symbols that are taken from its libraries."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend_shim.errors import InvalidRecord
from backend_shim.interfaces import torch
from backend_shim.interfaces.provider import Provider
from backend_shim.interfaces.reasons import Binding
from backend_shim.record.facts import Facts
from tests.support.binding_factory import compiled, fingerprinted, literals, provider

SHIM = "torch/include/torch/csrc/inductor/aoti_torch/c/shim.h"
HEADER = b"""
// AOTI_TORCH_EXPORT int aoti_torch_in_a_comment(void);
AOTI_TORCH_EXPORT int32_t aoti_torch_device_type_cpu();
AOTI_TORCH_EXPORT AOTITorchError aoti_torch_item_bool(AtenTensorHandle tensor, bool* ret);
AOTI_TORCH_EXPORT AOTITorchError
torch_new_list_reserve_size(size_t size, StableListHandle* ret);
AOTI_TORCH_EXPORT AOTITorchError aoti_torch_not_exported(void);
inline int aoti_torch_inline(void) { return aoti_torch_device_type_cpu(); }
"""
STABLE = ("aoti_torch_device_type_cpu", "aoti_torch_item_bool", "torch_new_list_reserve_size")


def pytorch(version: str, functions: tuple[str, ...] = STABLE) -> Provider:
    facts = {"torch": Facts({"stable_functions": list(functions)})} if functions else {}
    return provider("torch", version, provided=facts)


def binding(*symbols: str, interface: str = "linking") -> Binding:
    return Binding(interface=interface, reasons=(), symbols=symbols)


def kind(found: Binding, old: Provider, new: Provider, built: str | None = None) -> str | None:
    reason = torch.vouches(found, old, new, built)
    return None if reason is None else reason.kind


def test_the_stable_functions_are_those_declared_and_exported(tmp_path: Path) -> None:
    names = [*STABLE, "aoti_torch_in_a_comment", "aoti_torch_inline", "torch_internal"]
    library = compiled("".join(f"int {name}(void) {{ return 1; }}" for name in names))
    files = {"torch/lib/libtorch_cpu.so": library, SHIM: HEADER}
    read = fingerprinted(tmp_path, files, name="torch")
    facts = read.fingerprint.provided("torch")
    assert facts is not None
    assert facts.facts.thaw() == {"stable_functions": list(STABLE)}
    other = fingerprinted(tmp_path, files, name="other")
    assert other.fingerprint.provided("torch") is None
    bare = fingerprinted(tmp_path, {"torch/lib/libtorch_cpu.so": library}, name="torch")
    assert bare.fingerprint.provided("torch") is None


@pytest.mark.parametrize(
    ("old", "new", "built", "expected"),
    [
        ("2.13.0", "2.14.1", None, "torch-stable-abi"),
        ("2.14.1", "2.14.0", None, "torch-stable-abi"),
        ("2.13.0+cpu", "2.14.1+cu130", None, "torch-stable-abi"),
        ("2.10.0", "2.18.0", None, "torch-stable-abi"),
        ("2.10.0", "2.19.0", None, "torch-promise-too-short"),
        ("2.14.1", "2.13.0", None, "torch-promise-too-short"),
        ("2.14.1", "2.13.0", "2.10.0", "torch-stable-abi"),
        ("2.13.0", "2.14.0", "2.15.0", "torch-promise-too-short"),
        ("2.13.0", "3.0.0", None, "torch-promise-too-short"),
        ("2.13.0", "2.14.0rc1", None, "torch-promise-too-short"),
        ("", "2.14.0", None, "torch-promise-too-short"),
    ],
)
def test_the_promise_is_for_newer_releases_and_two_years(
    old: str, new: str, built: str | None, expected: str
) -> None:
    assert kind(binding(*STABLE), pytorch(old), pytorch(new), built) == expected


def test_what_comes_with_the_run_time_needs_no_promise() -> None:
    taken = binding(STABLE[0], "_ZNSt7__cxx1119basic_ostringstreamIcSt11char_traitsIcESaIcEEC1Ev")
    reason = torch.vouches(taken, pytorch("2.13.0"), pytorch("2.14.0"), None)
    assert reason == torch.TorchStableAbi(functions=1, built="2.13.0", release="2.14.0")


@pytest.mark.parametrize(
    "symbol", ["_ZN3c104cuda9SetDeviceEab", "torch_internal", "aoti_torch_not_exported"]
)
def test_other_symbols_are_not_promised(symbol: str) -> None:
    reason = torch.vouches(binding(*STABLE, symbol), pytorch("2.13.0"), pytorch("2.14.0"), None)
    assert reason == torch.TorchPromisesNothing(release="2.14.0", symbols=(symbol,))


def test_both_releases_must_declare_it() -> None:
    assert kind(binding(*STABLE), pytorch("2.13.0", ()), pytorch("2.14.0")) == (
        "torch-promises-nothing"
    )
    assert kind(binding(*STABLE), pytorch("2.13.0"), pytorch("2.14.0", STABLE[:1])) == (
        "torch-promises-nothing"
    )


def test_other_bindings_are_not_its_business() -> None:
    old, new = pytorch("2.13.0"), pytorch("2.14.0")
    assert kind(binding(*STABLE, interface="import-name"), old, new) is None
    # The loader may not get there: nothing that PyTorch could promise.
    assert kind(binding(), old, new) is None


def test_the_data_types_that_messages_name_bind_to_nothing(tmp_path: Path) -> None:
    texts = ("log_prob must be torch.float32", "torch.int32", "torch.float32_table", "torch.bool")
    files = {"c.so": literals(*texts)}
    read = fingerprinted(tmp_path, files, looked_for=("torch",))
    facts = read.fingerprint.required("import-name")
    assert facts is not None
    named = facts.facts.thaw()
    assert [*named["whole"], *named["tails"]] == ["torch.float32_table"]  # type: ignore[misc]


def test_wrong_facts_are_refused() -> None:
    wrong = provider("torch", "2.13.0", provided={"torch": Facts({"stable_functions": [1]})})
    with pytest.raises(InvalidRecord):
        torch.vouches(binding(*STABLE), wrong, wrong, None)
