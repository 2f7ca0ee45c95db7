"""Every error comes back from a worker process as it was raised."""

from __future__ import annotations

import inspect
import pickle

import pytest

from tests.architecture.modules_of_tree import PACKAGES, modules


def _errors() -> list[type[Exception]]:
    found = {
        value
        for package in PACKAGES
        for module in modules(package)
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Exception)
        and value.__module__.partition(".")[0] in PACKAGES
    }
    return sorted(found, key=lambda error: (error.__module__, error.__qualname__))


@pytest.mark.parametrize("error", _errors(), ids=lambda error: error.__qualname__)
def test_survives_pickling(error: type[Exception]) -> None:
    own = error.__init__ is not Exception.__init__
    names = list(inspect.signature(error).parameters) if own else ["text"]
    raised = error(*(f"the {name}" for name in names))
    again = pickle.loads(pickle.dumps(raised))
    assert type(again) is error
    assert (str(again), again.args, vars(again)) == (str(raised), raised.args, vars(raised))
    assert "the " in str(again)


def test_finds_both_trees() -> None:
    names = {error.__qualname__ for error in _errors()}
    assert {"InvalidWheel", "UnknownSchema", "DigestMismatch", "UsageError"} <= names


@pytest.mark.parametrize("package", PACKAGES)
def test_is_drawn_in_the_tree_of_its_package(package: str) -> None:
    errors = next(each for each in modules(package) if each.__name__ == f"{package}.errors")
    defined = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and value.__module__ == errors.__name__
    }
    assert errors.__doc__ is not None
    assert {name for name in defined if name not in errors.__doc__} == set()
