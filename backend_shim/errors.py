"""The errors of backend_shim.

BackendShimError
├── ConfigurationError      [tool.wheel-abi] or an own config setting is wrong
├── WrappedBackendError     the wrapped backend cannot be found or imported
├── InvalidWheel            an archive is not a wheel that can be trusted to be read
│   └── SignedWheel         rewriting it would break its signature
├── InterfaceFailed         the interface of a third party (a plug-in) cannot be used
├── InvalidBinary           the bytes of a shared object contradict themselves
└── InvalidRecord           a record of ours that cannot be used, with the JSON path of the fault
    ├── UnknownSchema       its schema version is not one that is understood
    └── StaleRecord         it describes other binaries than the wheel has now

Every class hands all its arguments to ``super().__init__`` in order, so each survives pickling and
can travel back from a worker process; the sentence is made in ``__str__``.
"""

from __future__ import annotations


class BackendShimError(Exception):
    """Any failure that this package foresees."""


class ConfigurationError(BackendShimError):
    """A setting is wrong: `where` it stands and what is `wrong`."""

    def __init__(self, where: str, wrong: str) -> None:
        super().__init__(where, wrong)
        self.where = where
        self.wrong = wrong

    def __str__(self) -> str:
        return f"{self.where}: {self.wrong}"


class WrappedBackendError(BackendShimError):
    """The wrapped backend named `backend` cannot be used."""

    def __init__(self, backend: str, wrong: str) -> None:
        super().__init__(backend, wrong)
        self.backend = backend
        self.wrong = wrong

    def __str__(self) -> str:
        return f"wrapped backend {self.backend!r}: {self.wrong}"


class InvalidWheel(BackendShimError):
    """The archive `wheel` (a file name) is not a readable wheel."""

    def __init__(self, wheel: str, wrong: str) -> None:
        super().__init__(wheel, wrong)
        self.wheel = wheel
        self.wrong = wrong

    def __str__(self) -> str:
        return f"{self.wheel}: {self.wrong}"


class SignedWheel(InvalidWheel):
    """The wheel carries RECORD.jws or RECORD.p7s; adding a file would break that signature."""


class InterfaceFailed(BackendShimError):
    """The plug-in `interface` cannot be used, or failed, and what is `wrong` with it."""

    def __init__(self, interface: str, wrong: str) -> None:
        super().__init__(interface, wrong)
        self.interface = interface
        self.wrong = wrong

    def __str__(self) -> str:
        return f"{self.interface}: {self.wrong}"


class InvalidBinary(BackendShimError):
    """A shared object whose tables point outside it or do not fit each other."""

    def __init__(self, wrong: str) -> None:
        super().__init__(wrong)
        self.wrong = wrong

    def __str__(self) -> str:
        return self.wrong


class InvalidRecord(BackendShimError):
    """A record that cannot be used; `path` is the JSON path of the fault, `$` for the whole."""

    def __init__(self, path: str, wrong: str) -> None:
        super().__init__(path, wrong)
        self.path = path
        self.wrong = wrong

    def __str__(self) -> str:
        return f"{self.path}: {self.wrong}"


class UnknownSchema(InvalidRecord):
    """The record's schema version is not understood: it is to be treated as absent."""


class StaleRecord(InvalidRecord):
    """The record describes other members than the wheel has now: it is to be taken anew."""
