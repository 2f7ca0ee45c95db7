"""The checker reads wheels with the faster library, the shim with nothing but the standard one."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIBRARY = "from backend_shim.wheel import member_reader; print(member_reader._codec.__name__)"


def library_after(statements: str) -> str:
    command = [sys.executable, "-c", f"{statements}; {LIBRARY}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(
    ("package", "library"), [("resolver_check", "zlib_ng.zlib_ng"), ("backend_shim.hooks", "zlib")]
)
def test_who_inflates_with_what(package: str, library: str) -> None:
    assert library_after(f"import {package}") == library


def test_without_it_the_standard_library_serves() -> None:
    assert (
        library_after("import sys; sys.modules['zlib_ng'] = None; import resolver_check") == "zlib"
    )
