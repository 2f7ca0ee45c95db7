"""The shim in a project's own tree: a copy of this package, and its place in the project's sdist.

Of eight backends five leave a directory that is no package of the project out of their sdist; a
wheel could then not be built from it.
"""

from __future__ import annotations

import copy
import gzip
import io
import os
import shutil
import struct
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from backend_shim import __version__
from backend_shim.errors import BackendShimError

PACKAGE: Final = "backend_shim"
_PACKAGE_DIRECTORY: Final = Path(__file__).resolve().parent
_SHIPPED: Final = (".py", ".typed", ".json")
_GZIP_TIME: Final = slice(4, 8)


def package_files() -> tuple[str, ...]:
    """The files of this package, relative to it with slashes, sorted."""
    found: list[Path] = []
    for directory, inner, names in os.walk(_PACKAGE_DIRECTORY):
        inner[:] = [name for name in inner if name != "__pycache__"]
        found += [Path(directory) / name for name in names if name.endswith(_SHIPPED)]
    return tuple(sorted(path.relative_to(_PACKAGE_DIRECTORY).as_posix() for path in found))


def write_copy(directory: Path) -> tuple[Path, ...]:
    """Write the in-tree copy `directory/backend_shim`; the files written, relative to `directory`.

    A copy that is there is replaced. Raises OSError, and BackendShimError rather than replace what
    is not a copy of this package or is this package itself.
    """
    target = directory / PACKAGE
    if target.resolve() == _PACKAGE_DIRECTORY:
        raise BackendShimError(f"{target} is the copy that is running")
    if target.exists():
        if not (target / "hooks.py").is_file() or not (target / "wrapped_backend.py").is_file():
            raise BackendShimError(f"{target} exists and is no copy of the shim")
        shutil.rmtree(target)
    written = []
    for name in package_files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_PACKAGE_DIRECTORY / name, target / name)
        written.append(Path(PACKAGE) / name)
    return tuple(written)


def pyproject_lines(directory: str, build_backend: str | None = None) -> str:
    """What a project with the in-tree copy `directory` puts into its `pyproject.toml`."""
    real = build_backend or "hatchling.build"
    return (
        "[build-system]\n"
        "requires = [  # the real backend's requirements stay; add:\n"
        "    \"tomli; python_version < '3.11'\",\n"
        "]\n"
        'build-backend = "backend_shim.hooks"\n'
        f'backend-path = ["{directory}"]  # wheel-abi {__version__}\n'
        "\n"
        "[tool.wheel-abi]\n"
        f'build-backend = "{real}"\n'
    )


def add_shim_to_sdist(sdist: Path, source: Path, shim_path: Sequence[str]) -> bool:
    """Add the files of a shim that lies in the tree `source` to `sdist`, where they are missing.

    `shim_path` is `build-system.backend-path`. The same sdist gives the same bytes: the archive's
    time and the date and owner of its PKG-INFO are taken over. Returns whether anything was added.
    Raises OSError, and BackendShimError for an sdist that is no `.tar.gz` with a PKG-INFO.
    """
    place = _place_in_tree(source, shim_path)
    if place is None:
        return False
    if not sdist.name.endswith(".tar.gz"):
        raise BackendShimError(f"{sdist.name} is not a .tar.gz")
    with tempfile.TemporaryFile() as plain:
        _gunzip(sdist, plain)
        try:
            added = _append_missing(plain, sdist.name, place)
        except tarfile.TarError as error:
            raise BackendShimError(f"{sdist.name} cannot be read: {error}") from error
        if added:
            _replace_with_gzip(sdist, plain)
    return added


def _place_in_tree(source: Path, shim_path: Sequence[str]) -> str | None:
    """Where this package lies in the tree, with slashes; None where it was installed."""
    root = os.path.realpath(source)
    for path in shim_path:
        place = Path(os.path.realpath(source / path)) / PACKAGE
        if place == _PACKAGE_DIRECTORY and place.is_relative_to(root):
            return place.relative_to(root).as_posix()
    return None


def _gunzip(archive: Path, plain: IO[bytes]) -> None:
    try:
        with gzip.open(archive, "rb") as packed:
            shutil.copyfileobj(packed, plain)
    except (EOFError, gzip.BadGzipFile) as error:
        raise BackendShimError(f"{archive.name} cannot be read: {error}") from error


def _append_missing(plain: IO[bytes], sdist: str, place: str) -> bool:
    plain.seek(0)
    with tarfile.open(fileobj=plain, mode="r:") as archive:
        names = set(archive.getnames())
        root = sdist.removesuffix(".tar.gz")
        try:
            pattern = archive.getmember(f"{root}/PKG-INFO")
        except KeyError:
            raise BackendShimError(f"{sdist} has no {root}/PKG-INFO") from None
        # After the last member was read: where the end-of-archive blocks begin.
        end = archive.offset
    missing = [name for name in package_files() if f"{root}/{place}/{name}" not in names]
    plain.seek(end)
    plain.truncate()
    for block in _tar_members(missing, f"{root}/{place}", pattern):
        plain.write(block)
    plain.write(bytes(2 * tarfile.BLOCKSIZE))
    plain.write(bytes(-plain.tell() % tarfile.RECORDSIZE))
    return bool(missing)


def _tar_members(names: Sequence[str], root: str, pattern: tarfile.TarInfo) -> Iterator[bytes]:
    for name in names:
        content = (_PACKAGE_DIRECTORY / name).read_bytes()
        member = copy.copy(pattern)
        member.name, member.size, member.mode = f"{root}/{name}", len(content), 0o644
        member.pax_headers = {
            key: value for key, value in pattern.pax_headers.items() if key == "mtime"
        }
        yield member.tobuf(tarfile.PAX_FORMAT)
        yield content + bytes(-len(content) % tarfile.BLOCKSIZE)


def _replace_with_gzip(archive: Path, plain: IO[bytes]) -> None:
    with archive.open("rb") as packed:
        (time,) = struct.unpack("<I", packed.read(10)[_GZIP_TIME])
    plain.seek(0)
    descriptor, temporary = tempfile.mkstemp(dir=archive.parent, prefix=".", suffix=".tmp")
    try:
        with (
            io.FileIO(descriptor, "wb") as file,
            gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=time) as packer,
        ):
            shutil.copyfileobj(plain, packer)
        shutil.copymode(archive, temporary)
        Path(temporary).replace(archive)
    except BaseException:
        Path(temporary).unlink()
        raise
