"""The errors of resolver_check.

ResolverCheckError
├── UsageError              a value on the command line that cannot be used
├── DoesNotFit              a wheel that is to be installed does not fit what is there
├── InstallationFailed      files of a wheel could not be written
└── SourceUnavailable       a place to find wheels did not give what was asked of it
    ├── NotKept             it would have to be asked for, and nothing may be: offline
    ├── ProjectMissing      the index answers, and says that it has no such project
    ├── TransferInterrupted the body ended early, time after time
    └── DigestMismatch      the file is not the one that the index describes

A location in an error is for people: a URL has lost its credentials, query and fragment.

Every class hands all its arguments to ``super().__init__`` in order, so each survives pickling and
can travel back from a worker process; the sentence is made in ``__str__``. A wheel that is found
but cannot be read is `backend_shim.errors.InvalidWheel`.
"""

from __future__ import annotations


class ResolverCheckError(Exception):
    """Any failure that this package foresees."""


class UsageError(ResolverCheckError):
    """A value that somebody typed cannot be used, and what is `wrong` with it."""

    def __init__(self, wrong: str) -> None:
        super().__init__(wrong)
        self.wrong = wrong

    def __str__(self) -> str:
        return self.wrong


class DoesNotFit(ResolverCheckError):
    """`wheel` is refused by its verdict, and what is `wrong` with it there."""

    def __init__(self, wheel: str, wrong: str) -> None:
        super().__init__(wheel, wrong)
        self.wheel = wheel
        self.wrong = wrong

    def __str__(self) -> str:
        return f"{self.wheel} does not fit: {self.wrong}"


class InstallationFailed(ResolverCheckError):
    """`path` could not be written, what was `wrong`, and what became of the rest."""

    def __init__(self, path: str, wrong: str) -> None:
        super().__init__(path, wrong)
        self.path = path
        self.wrong = wrong

    def __str__(self) -> str:
        return f"{self.path}: {self.wrong}"


class SourceUnavailable(ResolverCheckError):
    """`location`, a path or URL, did not give what was asked of it, and what is `wrong` there."""

    def __init__(self, location: str, wrong: str) -> None:
        super().__init__(location, wrong)
        self.location = location
        self.wrong = wrong

    def __str__(self) -> str:
        return f"{self.location}: {self.wrong}"


class NotKept(SourceUnavailable):
    """What is not in the cache, where nothing may be sent."""


class ProjectMissing(SourceUnavailable):
    """The index works and has no project of this name."""


class TransferInterrupted(SourceUnavailable):
    """A body that ended before its end, as often as it was asked for."""


class DigestMismatch(SourceUnavailable):
    """What was downloaded has another digest or size than the index says."""
