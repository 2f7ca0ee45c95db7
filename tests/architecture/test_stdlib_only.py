"""backend_shim enters every build environment and can be vendored: it needs the library alone."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.modules_of_tree import ROOT, imported, sources

# The only one, and only where the standard library does not read TOML yet (tomllib, 3.11).
_TOML = frozenset({"tomli", "tomllib"})
# pyelftools, of the extra `types`: imported when an object is opened, else named in annotations.
_READ_DEBUG_INFO = {"debug_info.py", "type_digests.py", "type_shapes.py"}


def test_imports_the_standard_library_only() -> None:
    allowed = {*sys.stdlib_module_names, "backend_shim", *_TOML}
    strangers = {path.name: imported(path) - allowed for path in sources("backend_shim")}
    found = {name: names for name, names in strangers.items() if names}
    assert found == {name: {"elftools"} for name in _READ_DEBUG_INFO}


def test_every_module_loads_without_site_packages() -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sources("backend_shim")
        if path.name not in ("__main__.py", "__init__.py")
    ]
    assert "backend_shim.hooks" in names
    # `-I -S`: no site-packages, no PYTHONPATH, no working directory.
    program = f"import sys; sys.path.append({str(ROOT)!r}); import {', '.join(names)}"
    if sys.version_info < (3, 11):
        program = "import sys, types; sys.modules['tomli'] = types.ModuleType('tomli'); " + program
    loaded = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", program],
        cwd="/", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (loaded.returncode, loaded.stderr) == (0, "")


def test_relative_imports_are_not_used() -> None:
    """Vendoring puts the package under its own name, and one spelling is enough."""
    for package in ("backend_shim", "resolver_check"):
        for path in sources(package):
            assert "\nfrom ." not in path.read_text(encoding="utf-8"), path
