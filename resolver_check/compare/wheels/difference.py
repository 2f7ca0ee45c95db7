"""What two wheels differ in: the nouns."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final


class Kind(str, enum.Enum):
    """In what two wheels differ."""

    ONLY_IN_FIRST = "only-in-first"
    ONLY_IN_SECOND = "only-in-second"
    BYTES = "bytes"
    DIRECTORY = "directory"
    """The name of `.dist-info` and `.data`, which holds the version."""
    EXECUTABLE = "executable"
    """Whether the file may be executed, which installers keep."""
    HEADER = "header"
    """Of METADATA or WHEEL."""
    ENTRY_POINT = "entry-point"
    LISTING = "listing"
    """RECORD lists a file in one only, or the same file with another digest."""
    BINARY_PART = "binary-part"
    """A section or table of an ELF file that the loader or the program may read."""

    ORDER = "order"
    """Order, comments and white space where they say nothing."""
    RECORD = "record"
    """Order, sizes and digests in RECORD."""
    BUILD_HEADER = "build-header"
    """Which program made the wheel, and its build tag."""
    INTERPRETER_PATH = "interpreter-path"
    """The Python in the first line of a script, which installers write."""
    DEBUG_INFORMATION = "debug-information"
    """Sections that only debuggers read, symbols for them included."""
    COMPILER_COMMENT = "compiler-comment"
    BUILD_ID = "build-id"
    LAYOUT = "layout"
    """Of an ELF file the section headers and their names, which are not loaded."""
    OWN_RECORD = "own-record"
    """A record of this project: it says what the binaries are or how they were built."""


NOISE: Final = frozenset(
    (
        Kind.ORDER,
        Kind.RECORD,
        Kind.BUILD_HEADER,
        Kind.INTERPRETER_PATH,
        Kind.DEBUG_INFORMATION,
        Kind.COMPILER_COMMENT,
        Kind.BUILD_ID,
        Kind.LAYOUT,
        Kind.OWN_RECORD,
    )
)
"""What differs between two builds of the same and changes nothing for whoever installs them."""


class Outcome(str, enum.Enum):
    """How alike two wheels are, from the strongest on."""

    SAME = "same"
    """Every file has the same bytes."""
    EQUAL = "equal"
    """Only noise differs."""
    INTERFACE_EQUAL = "interface-equal"
    """Content differs, and nothing that the fingerprints tell of the interface. What stands behind
    names that stayed may have changed all the same, as may Python code: whether a certain consumer
    stays valid is a question for `check.judge`."""
    DIFFERENT = "different"
    """Content differs, and the interface as well, or it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing in which the wheels differ."""

    path: str
    """As installed; `{dist-info}` and `{data}` stand for directories of different names."""
    kind: Kind
    name: str = ""
    """Of the header, entry point, row or part; empty where the kind has but one."""
    first: str | None = None
    """What the first wheel has, where that is short and telling."""
    second: str | None = None

    @property
    def is_noise(self) -> bool:
        """Whether it changes nothing for whoever installs the wheel."""
        return self.kind in NOISE


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelDifference:
    """The whole comparison of two wheels of one project."""

    first: str
    """File name."""
    second: str
    same: int
    """How many files have the same bytes."""
    differences: tuple[Difference, ...]
    """Sorted by path; noise included."""
    interface: tuple[str, ...] | None
    """What of the interface differs or could not be read; None where it was not asked for, as no
    content differs."""

    @property
    def content(self) -> tuple[Difference, ...]:
        """The differences that are none of noise."""
        return tuple(each for each in self.differences if not each.is_noise)

    @property
    def noise(self) -> tuple[Difference, ...]:
        """The differences that change nothing for whoever installs the wheel."""
        return tuple(each for each in self.differences if each.is_noise)

    @property
    def outcome(self) -> Outcome:
        """How alike they are."""
        if not self.differences:
            return Outcome.SAME
        if not self.content:
            return Outcome.EQUAL
        return Outcome.INTERFACE_EQUAL if self.interface == () else Outcome.DIFFERENT
