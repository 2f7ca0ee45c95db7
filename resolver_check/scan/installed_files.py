"""The files of a wheel by the paths at which an installer puts them."""

from __future__ import annotations

from collections.abc import Callable

from backend_shim.wheel.manifest import BY_INSTALLERS, SCRIPT_DIRECTORIES, Manifest


def installed_files(
    manifest: Manifest, is_as_recorded: Callable[[str], bool] | None = None
) -> dict[str, str]:
    """Digest by path as installed, of the files that are the same wherever a wheel is installed.

    `is_as_recorded` says of a file that is installed already whether it has its digest still. Those
    of `.data/headers` are left where they are: their place depends on the interpreter.
    """
    found = {}
    for each in manifest.entries:
        path = installed_path(each.path)
        if each.digest is None or path is None:
            continue
        if is_as_recorded is None or is_as_recorded(each.path):
            found[path] = each.digest
    return found


def installed_path(path: str) -> str | None:
    """Where the file comes to lie, relative and without `..`; None for what each place has anew."""
    parts = path.split("/")
    directory, name = parts[0], parts[-1]
    if "__pycache__" in parts:
        return None
    if name in BY_INSTALLERS and len(parts) > 1 and parts[-2].endswith(".dist-info"):
        return None
    if directory.endswith(".data") and len(parts) > 2:
        scheme, inner = parts[1], parts[2:]
        if scheme == "scripts" or (scheme == "data" and inner[0] in SCRIPT_DIRECTORIES):
            return None
        if scheme in ("purelib", "platlib", "data"):
            return "/".join(inner)
    return path
