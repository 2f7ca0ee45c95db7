"""A small wheel with every kind of odd zip structure, and its bytes member by member."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest
from zlib_ng import zlib_ng

from backend_shim.wheel import member_reader
from tests.support.wheel_factory import RawMember, raw_archive, wheel_members

FILES = {
    "demo/__init__.py": b"answer = 42\n" * 40,
    "demo/empty.py": b"",
    "demo/data.bin": bytes(range(256)) * 9,
}
RECORD = "demo-1.0.dist-info/RECORD"
TIME_EXTRA = struct.pack("<2HBL", 0x5455, 5, 1, 1_700_000_000)
"""An extended-timestamp extra field, as Info-ZIP writes it."""

Build = Callable[[], bytes]


@pytest.fixture(params=[zlib, zlib_ng], ids=["zlib", "zlib-ng"])
def codec(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """In a build environment wheels are inflated by the one, in the checker by the other."""
    monkeypatch.setattr(member_reader, "_codec", request.param)
    return request.param


def raw_members(
    files: Mapping[str, bytes] = FILES,
    *,
    members: Mapping[str, bytes] | None = None,
    **style: object,
) -> list[RawMember]:
    """The members of a wheel, all written in one style; names beyond ASCII get the UTF-8 flag."""
    flags = style.pop("flags", 0)
    assert isinstance(flags, int)
    return [
        RawMember(
            name=name.encode(),
            data=data,
            flags=flags | (0 if name.isascii() else 0x800),
            **style,  # type: ignore[arg-type]
        )
        for name, data in (members or wheel_members(files)).items()
    ]


def with_extras() -> list[RawMember]:
    """Members that all differ in what is not their data."""
    members = raw_members()
    styles: Sequence[dict[str, object]] = (
        {"local_extra": TIME_EXTRA, "central_extra": TIME_EXTRA, "comment": b"first"},
        {"version_made_by": 20, "external_attributes": 0x20},
        {"internal_attributes": 1, "method": zipfile.ZIP_STORED},
        {"external_attributes": 0o100755 << 16, "padding": b"\0" * 7},
        {"central_extra": b"\xfe\xca\0\0", "flags": 0x6},
        {"local_extra": b"\0\0", "comment": b"of RECORD", "central_extra": TIME_EXTRA},
    )
    return [
        RawMember(name=member.name, data=member.data, **style)  # type: ignore[arg-type]
        for member, style in zip(members, styles, strict=True)
    ]


def _with_directories() -> list[RawMember]:
    folder = RawMember(name=b"demo/", method=zipfile.ZIP_STORED, external_attributes=0x41ED0010)
    inner = RawMember(name=b"demo-1.0.dist-info/", method=zipfile.ZIP_STORED)
    return [folder, inner, *raw_members()]


def _odd_names() -> list[RawMember]:
    names = ("a,b.py", 'quo"te.py', "über/naïve.py", " space .py", "日本.py")
    return raw_members({f"demo/{name}": name.encode() for name in names})


def _line_breaks_in_names() -> list[RawMember]:
    return raw_members({f"demo/{name}": b"" for name in ("new\nline.py", "a\rb", "\r\n.py")})


def _in_code_page_437() -> list[RawMember]:
    members = wheel_members({"demo/é.txt": b"e"})
    return [RawMember(name=name.encode("cp437"), data=data) for name, data in members.items()]


def _record_first() -> list[RawMember]:
    members = raw_members()
    return [members[-1], *members[:-1]]


ODD: dict[str, Build] = {
    "plain": lambda: raw_archive(raw_members()),
    "stored": lambda: raw_archive(raw_members(method=zipfile.ZIP_STORED)),
    "extras, comments and attributes": lambda: raw_archive(with_extras(), comment=b"of the wheel"),
    "streamed": lambda: raw_archive(raw_members(descriptor="signed")),
    "streamed without signature": lambda: raw_archive(raw_members(descriptor="bare")),
    "streamed, 64 bit": lambda: raw_archive(
        raw_members(descriptor="signed, 64 bit", zip64=True), zip64_end=True
    ),
    "streamed without signature, 64 bit": lambda: raw_archive(
        raw_members(descriptor="bare, 64 bit", zip64=True)
    ),
    "ZIP64 extra fields": lambda: raw_archive(raw_members(zip64=True)),
    "ZIP64 end record": lambda: raw_archive(raw_members(), zip64_end=True, comment=b"c"),
    "ZIP64 everywhere": lambda: raw_archive(raw_members(zip64=True), zip64_end=True),
    "directories": lambda: raw_archive(_with_directories()),
    "odd names": lambda: raw_archive(_odd_names()),
    "line breaks in names": lambda: raw_archive(_line_breaks_in_names()),
    "names in code page 437": lambda: raw_archive(_in_code_page_437()),
    "program before it": lambda: raw_archive(raw_members(), prefix=b"#!/bin/sh\n" * 50),
    "program put before it": lambda: raw_archive(
        raw_members(), prefix=b"#!/bin/sh\n" * 50, counts_prefix=False, zip64_end=True
    ),
    "padding between members": lambda: raw_archive(raw_members(padding=b"PK\3\4 not a header")),
    "RECORD first": lambda: raw_archive(_record_first()),
    "directory in another order": lambda: raw_archive(
        raw_members(), central_order=(5, 3, 1, 0, 2, 4)
    ),
}


@pytest.fixture(params=ODD, ids=[name.replace(" ", "_") for name in ODD])
def odd_wheel(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A right wheel in one of many unusual but valid forms."""
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    wheel.write_bytes(ODD[request.param]())
    return wheel


@pytest.fixture
def wheel_of(tmp_path: Path) -> Callable[[bytes], Path]:
    """Puts the bytes of an archive into a file with the name of a wheel."""

    def write(data: bytes) -> Path:
        wheel = tmp_path / "demo-1.0-py3-none-any.whl"
        wheel.write_bytes(data)
        return wheel

    return write
