"""What is asked of a wheel that is open for reading: an archive, or the files it became."""

from __future__ import annotations

import email.message
import mmap
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from backend_shim.wheel.archive import MAX_TEXT_SIZE
from backend_shim.wheel.manifest import Manifest


class OpenMember(Protocol):
    """One file of a wheel."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int:
        """In bytes."""

    @property
    def is_dir(self) -> bool: ...


class OpenWheel(Protocol):
    """The methods are those of `WheelArchive`; all that read raise InvalidWheel."""

    @property
    def name(self) -> str:
        """How messages name it: the file name of an archive."""

    @property
    def dist_info(self) -> str: ...
    @property
    def members(self) -> Sequence[OpenMember]: ...
    @property
    def manifest(self) -> Manifest: ...
    @property
    def metadata(self) -> email.message.Message: ...
    @property
    def wheel_file(self) -> email.message.Message: ...

    def has(self, name: str) -> bool: ...
    def member(self, name: str) -> OpenMember: ...
    def crc32(self, name: str) -> int: ...
    def is_as_recorded(self, name: str) -> bool: ...
    def read(self, name: str, *, limit: int = MAX_TEXT_SIZE) -> bytes: ...
    def head(self, name: str, count: int) -> bytes: ...
    def contents(self, name: str) -> AbstractContextManager[bytes | mmap.mmap]: ...
