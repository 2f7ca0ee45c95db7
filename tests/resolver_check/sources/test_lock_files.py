"""Lock files: of each package the wheel that an installer takes, and only with the right hash."""

from __future__ import annotations

import hashlib
from pathlib import Path
from random import Random

import pytest

from resolver_check.errors import DigestMismatch, SourceUnavailable, UsageError
from resolver_check.sources.lock_files import Lock, open_lock
from resolver_check.sources.locked_wheels import Locked, NotTaken
from resolver_check.target import target
from tests.support.served_index import Manners, ServedIndex
from tests.support.wheel_factory import make_wheel

TARGET = target("3.11", "manylinux_2_28_x86_64")
ZERO = "0" * 64


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    directory = tmp_path / "wheels"
    directory.mkdir()
    for tag in ("py3-none-any", "cp311-cp311-manylinux_2_17_x86_64", "cp311-abi3-win_amd64"):
        make_wheel(directory, name="demo", tag=tag, files={"demo.py": b""})
    make_wheel(directory, name="demo", version="2.0", files={"demo.py": b""})
    make_wheel(directory, name="other", tag="cp312-cp312-linux_x86_64", files={"other.py": b""})
    return directory


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def requirements(wheels: Path, *patterns: str, line: str = "demo==1.0") -> Path:
    """A file that pins `line` with the hashes of the wheels that match."""
    hashes = [sha256(path) for pattern in patterns for path in wheels.glob(pattern)]
    file = wheels.parent / "requirements.txt"
    file.write_text(f"{line} " + " ".join(f"--hash=sha256:{each}" for each in hashes) + "\n")
    return file


def pylock(wheels: Path, *entries: str, head: str = "") -> Path:
    file = wheels.parent / "pylock.toml"
    file.write_text(f'lock-version = "1.0"\ncreated-by = "test"\n{head}\n' + "\n".join(entries))
    return file


def package(
    *wheels: Path, origin: str | None = None, digest: str | None = None, rest: str = ""
) -> str:
    """A package of pylock.toml; without `origin` the wheels are at paths."""
    name, version = wheels[0].name.split("-")[:2]
    rows = []
    for each in wheels:
        where = f'path = "wheels/{each.name}"' if origin is None else (
            f'url = "{origin}/files/{each.name}"'
        )  # fmt: skip
        rows.append(f'{{ {where}, hashes = {{ sha256 = "{digest or sha256(each)}" }} }}')
    return (
        f'[[packages]]\nname = "{name}"\nversion = "{version}"\n{rest}\n'
        f"wheels = [{', '.join(rows)}]\n"
    )


def taken(lock: Lock) -> list[str]:
    return [
        each.reference.filename if isinstance(each, Locked) else each.why for each in lock.taken
    ]


def demos(wheels: Path) -> list[Path]:
    return sorted(wheels.glob("demo-1.0-*"))


def test_the_wheel_with_the_closest_tag_is_taken(wheels: Path) -> None:
    lock = open_lock(requirements(wheels, "demo-1.0-*"), TARGET, str(wheels))
    assert taken(lock) == ["demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"]
    lock = open_lock(pylock(wheels, package(*demos(wheels))), TARGET, None)
    assert taken(lock) == ["demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"]


def test_only_wheels_with_a_hash_of_the_lock_count(wheels: Path) -> None:
    lock = open_lock(requirements(wheels, "demo-1.0-py3*"), TARGET, str(wheels))
    assert taken(lock) == ["demo-1.0-py3-none-any.whl"]
    lock = open_lock(requirements(wheels, "demo-2.0-*"), TARGET, str(wheels))
    assert taken(lock) == ["no wheel of it for this target has a hash of the lock"]


@pytest.mark.parametrize("form", ["html", "json"])
@pytest.mark.parametrize("states_hashes", [True, False])
def test_of_an_index_the_file_with_the_hash_is_taken(
    wheels: Path, form: str, states_hashes: bool
) -> None:
    manners = Manners(form=form, states_hashes=states_hashes)  # type: ignore[arg-type]
    with ServedIndex(wheels, manners) as index:
        lock = open_lock(requirements(wheels, "demo-1.0-py3*"), TARGET, index.url)
        assert taken(lock) == ["demo-1.0-py3-none-any.whl"]
        lock.source.close()


def test_of_several_builds_the_latest_is_taken(wheels: Path) -> None:
    for build in ("2", "10"):
        make_wheel(wheels, name="demo", build=build, files={"demo.py": build.encode()})
    lock = open_lock(requirements(wheels, "demo-1.0*py3*"), TARGET, str(wheels))
    assert taken(lock) == ["demo-1.0-10-py3-none-any.whl"]


def test_other_hashes_than_sha256_count(wheels: Path) -> None:
    (wheel,) = wheels.glob("demo-1.0-py3*")
    digest = hashlib.sha512(wheel.read_bytes()).hexdigest()
    file = wheels.parent / "requirements.txt"
    file.write_text(f"demo==1.0 --hash=sha512:{digest}")
    assert taken(open_lock(file, TARGET, str(wheels))) == [wheel.name]


def test_what_no_wheel_is_of_has_to_be_built(wheels: Path) -> None:
    file = requirements(wheels, "other-*", line="other==1.0")
    assert "has to be built" in taken(open_lock(file, TARGET, str(wheels)))[0]
    sdist = (
        '[[packages]]\nname = "gone"\nversion = "1.0"\nsdist = { url = "https://h/gone-1.0.tar.gz",'
        f' hashes = {{ sha256 = "{ZERO}" }} }}\n'
    )
    tree = '[[packages]]\nname = "local"\ndirectory = { path = "." }\n'
    lock = open_lock(pylock(wheels, sdist, tree), TARGET, None)
    assert [(each.name, each.version) for each in lock.taken] == [("gone", "1.0"), ("local", "")]
    assert all("has to be built" in why for why in taken(lock))


def test_a_project_that_the_index_does_not_have_is_not_taken(wheels: Path) -> None:
    file = requirements(wheels, "other-*", line="nowhere==1.0")
    with ServedIndex(wheels) as index:
        lock = open_lock(file, TARGET, index.url)
        lock.source.close()
    assert isinstance(lock.taken[0], NotTaken)
    assert "no project" in lock.taken[0].why


def test_markers_are_those_of_the_target(wheels: Path) -> None:
    file = requirements(wheels, "demo-*", line="demo==1.0 ; sys_platform == 'win32'")
    assert open_lock(file, TARGET, str(wheels)).taken == ()
    file.write_text(
        f"demo==1.0 ; python_version < '3.11' --hash=sha256:{ZERO}\n"
        f"demo==2.0 ; python_version >= '3.11' --hash=sha256:{ZERO}\n"
    )
    (each,) = open_lock(file, TARGET, str(wheels)).taken
    assert each.version == "2.0"
    marked = package(*demos(wheels), rest="marker = \"sys_platform == 'win32'\"")
    assert open_lock(pylock(wheels, marked), TARGET, None).taken == ()


def test_a_package_that_is_there_twice_is_refused(wheels: Path) -> None:
    file = wheels.parent / "requirements.txt"
    file.write_text(f"demo==1.0 --hash=sha256:{ZERO}\nDemo==1.0 --hash=sha256:{ZERO}\n")
    with pytest.raises(UsageError, match=r"requirements\.txt:2: demo is in line 1, too"):
        open_lock(file, TARGET, str(wheels))
    twice = package(*demos(wheels))
    with pytest.raises(UsageError, match=r"pylock\.toml: Multiple packages"):
        open_lock(pylock(wheels, twice, twice), TARGET, None)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("lock-version", "pylock.toml: "),
        ('created-by = "x"\npackages = []', "lock-version"),
        ('lock-version = "2.0"\ncreated-by = "x"\npackages = []', "2.0"),
        (
            'lock-version = "1.0"\ncreated-by = "x"\nrequires-python = ">=3.12"\npackages = []',
            "3.12",
        ),
        ("\udcff", "pylock.toml: "),
        ("[" * 3000, "pylock.toml: "),
    ],
    ids=["no-toml", "no-version", "newer-version", "other-python", "no-text", "deep"],
)
def test_what_is_no_lock_is_refused(wheels: Path, text: str, wrong: str) -> None:
    file = wheels.parent / "pylock.toml"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UsageError) as raised:
        open_lock(file, TARGET, None)
    assert wrong in str(raised.value)


@pytest.mark.parametrize("digest", ["00", "../" * 21 + "x", "0" * 65])
def test_a_digest_that_is_none_is_refused(wheels: Path, digest: str) -> None:
    # It would be part of a path in the cache.
    file = pylock(wheels, package(*demos(wheels), digest=digest))
    with pytest.raises(UsageError, match="sha256 is not 64 hexadecimal digits"):
        open_lock(file, TARGET, None)


@pytest.mark.parametrize("seed", range(4))
def test_a_lock_that_was_damaged_is_read_or_refused(wheels: Path, seed: int) -> None:
    file = pylock(wheels, package(*demos(wheels), origin="https://me:secret@h.invalid"))
    data, random = file.read_bytes(), Random(seed)
    parts = [b'"', b"[", b"]", b"{", b"}", b"=", b"-1", b"\n", b'""', b"true", b"1.5", b"\xff"]
    for _ in range(40):
        damaged = bytearray(data)
        for _ in range(random.randint(1, 4)):
            start = random.randrange(len(data))
            damaged[start : start + random.choice([0, 1, 3, 20])] = random.choice(parts)
        file.write_bytes(damaged)
        try:
            assert len(open_lock(file, TARGET, None).taken) <= 1
        except UsageError as error:
            said = str(error)
            assert said.startswith(str(file))
            assert "secret" not in said


def test_every_beginning_of_a_lock_is_read_or_refused(wheels: Path) -> None:
    file = pylock(wheels, package(*demos(wheels)), "")
    data = file.read_bytes()
    read = 0
    for end in range(len(data)):
        file.write_bytes(data[:end])
        try:
            read += len(open_lock(file, TARGET, None).taken)
        except UsageError:
            continue
    assert read <= 2


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for name in ("pylock.toml", "requirements.txt"):
        with pytest.raises(UsageError, match="no such file"):
            open_lock(tmp_path / name, TARGET, None)


def test_a_file_at_its_path_that_has_another_hash_is_refused(wheels: Path) -> None:
    lock = open_lock(pylock(wheels, package(*demos(wheels), digest=ZERO)), TARGET, None)
    (each,) = lock.taken
    assert isinstance(each, Locked)
    with pytest.raises(DigestMismatch, match="none of the hashes"):
        lock.source.open(each.reference)


def test_a_path_where_nothing_is(wheels: Path) -> None:
    file = pylock(wheels, package(*demos(wheels)))
    for each in demos(wheels):
        each.unlink()
    lock = open_lock(file, TARGET, None)
    (each,) = lock.taken
    assert isinstance(each, Locked)
    with pytest.raises(SourceUnavailable, match="no such file"):
        lock.source.open(each.reference)


def test_the_url_of_a_lock_is_read_by_ranges(wheels: Path) -> None:
    with ServedIndex(wheels) as index:
        lock = open_lock(pylock(wheels, package(*demos(wheels), origin=index.origin)), TARGET, None)
        (each,) = lock.taken
        assert isinstance(each, Locked)
        with lock.source.open(each.reference) as wheel:
            assert wheel.metadata["Name"] == "demo"
        lock.source.close()
        assert {status for _, _, status in index.file_requests} == {206}


def test_credentials_of_a_url_go_to_its_host_and_nowhere_else(wheels: Path) -> None:
    with ServedIndex(wheels, Manners(login=("me", "secret"))) as index:
        origin = index.origin.replace("http://", "http://me:secret@")
        lock = open_lock(pylock(wheels, package(*demos(wheels), origin=origin)), TARGET, None)
        (each,) = lock.taken
        assert isinstance(each, Locked)
        assert "secret" not in repr(lock.taken)
        with lock.source.open(each.reference) as wheel:
            assert wheel.metadata["Name"] == "demo"
        lock.source.close()


@pytest.mark.parametrize("url", ["ftp://me:secret@h/x", "http://me:secret@h:x/y", "mailto:a"])
def test_a_url_that_cannot_be_asked_is_refused(wheels: Path, url: str) -> None:
    row = (
        f'{{ name = "demo-1.0-py3-none-any.whl", url = "{url}", hashes = {{ sha256 = "{ZERO}" }} }}'
    )
    text = f'[[packages]]\nname = "demo"\nversion = "1.0"\nwheels = [{row}]\n'
    with pytest.raises(UsageError) as raised:
        open_lock(pylock(wheels, text), TARGET, None)
    assert "secret" not in str(raised.value)


def test_with_an_index_the_locked_file_is_looked_for_there(wheels: Path) -> None:
    file = pylock(wheels, package(*demos(wheels), origin="https://nowhere.invalid"))
    lock = open_lock(file, TARGET, str(wheels))
    (each,) = lock.taken
    assert isinstance(each, Locked)
    assert Path(each.reference.location).parent == wheels
