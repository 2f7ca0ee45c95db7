"""Wheels into an environment, if they fit it: a hook for those who install with `installer`.

`CheckedSource` goes around the source that they have. `judge_installation` says what is found, for
whoever wants to decide on that, and `write` installs several wheels, or nothing.
"""

from resolver_check.install.checked_source import CheckedSource
from resolver_check.install.destination import Place
from resolver_check.install.findings import Findings, judge_installation
from resolver_check.install.overlap import overlaps
from resolver_check.install.scheme import InstallScheme, below, scheme_of
from resolver_check.install.writing import (
    check_free,
    compile_bytecode,
    open_wheel_file,
    other_version,
    write,
)

__all__ = [
    "CheckedSource",
    "Findings",
    "InstallScheme",
    "Place",
    "below",
    "check_free",
    "compile_bytecode",
    "judge_installation",
    "open_wheel_file",
    "other_version",
    "overlaps",
    "scheme_of",
    "write",
]
