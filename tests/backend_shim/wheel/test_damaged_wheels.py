"""A damaged wheel is an InvalidWheel or still works; no other error ever comes out."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from backend_shim.errors import InvalidWheel
from backend_shim.wheel.archive import WheelArchive
from backend_shim.wheel.manifest import verify_manifest
from backend_shim.wheel.rewrite import add_dist_info_files
from tests.backend_shim.wheel.conftest import ODD
from tests.support.wheel_factory import make_wheel

pytestmark = pytest.mark.usefixtures("codec")

NEW = {"a.json": b"{}\n"}
FLIPS = 2000


def read_all(wheel: Path) -> dict[str, bytes]:
    with WheelArchive.open(wheel) as archive:
        found = {}
        for member in archive.members:
            archive.head(member.name, 4)
            found[member.name] = archive.read(member.name)
        verify_manifest(archive)
        _ = archive.metadata, archive.wheel_file
        return found


def survives(wheel: Path) -> bool:
    """Whether the wheel can be read and rewritten, and nothing is lost by it; False: refused."""
    try:
        before = read_all(wheel)
    except InvalidWheel:
        before = None
    try:
        add_dist_info_files(wheel, NEW)
    except InvalidWheel:
        return False
    try:
        after = read_all(wheel)
    except InvalidWheel:
        assert before is None
        return False
    assert before is not None
    assert {name for name in after if name.endswith("/a.json")}
    kept = {name for name in before if not name.endswith(("/RECORD", "/a.json"))}
    assert all(after[name] == before[name] for name in kept)
    return True


def test_every_prefix_of_a_wheel_is_refused(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files={"demo.py": b"x = 1\n"})
    data = wheel.read_bytes()
    for size in range(len(data)):
        wheel.write_bytes(data[:size])
        with pytest.raises(InvalidWheel):
            WheelArchive.open(wheel)
        with pytest.raises(InvalidWheel):
            add_dist_info_files(wheel, NEW)


@pytest.mark.parametrize("form", ["plain", "ZIP64 everywhere", "streamed", "program put before it"])
def test_flipped_bytes_are_refused_or_do_no_harm(tmp_path: Path, form: str) -> None:
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    data, chance = ODD[form](), random.Random(form)
    survived = 0
    for _ in range(FLIPS // 4):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 1, 1, 2, 8))):
            damaged[chance.randrange(len(data))] = chance.choice(
                (0, 1, 0x7F, 0xFF, chance.randrange(256))
            )
        wheel.write_bytes(damaged)
        survived += survives(wheel)
    assert 0 < survived < FLIPS // 4
    assert [path.name for path in tmp_path.iterdir()] == [wheel.name]
