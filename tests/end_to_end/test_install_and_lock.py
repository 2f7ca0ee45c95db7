"""Real wheels into real environments: what is refused does not import, what is installed does."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from uv import find_uv_bin

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (3, 10) <= sys.version_info < (3, 12) or sys.platform != "linux",
        reason="NumPy 1.26.4 and pandas 2.1.4 have wheels for these",
    ),
]

NUMPY_1, NUMPY_2 = "numpy==1.26.4", "numpy==2.2.6"
PANDAS_OF_NUMPY_1, PANDAS = "pandas==2.1.4", "pandas==2.3.3"
PURE = ("python-dateutil==2.9.0.post0", "pytz==2024.1", "six==1.16.0", "tzdata==2024.1")
UV = find_uv_bin()


def run(*command: object, status: int = 0) -> str:
    """All that the command printed; it must end with `status`."""
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def checker(*arguments: object, status: int = 0) -> str:
    return run(sys.executable, "-m", "resolver_check", *arguments, status=status)


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with all wheels that are installed."""
    directory = tmp_path_factory.mktemp("wheels")
    for names in ((NUMPY_1, PANDAS_OF_NUMPY_1, *PURE), (NUMPY_2, PANDAS)):
        run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:",
            "--dest", directory, *names)  # fmt: skip
    return directory


@pytest.fixture(scope="module")
def wheels(downloads: Path) -> dict[str, Path]:
    """The wheels of pandas and NumPy by their requirement."""
    names = (NUMPY_1, NUMPY_2, PANDAS_OF_NUMPY_1, PANDAS)
    return {name: path for name in names for path in downloads.glob(f"{name.replace('==', '-')}-*")}


@pytest.fixture(scope="module")
def pure(downloads: Path) -> list[Path]:
    """The wheels of what pandas needs else."""
    return sorted(downloads.glob("*-none-any.whl"))


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The interpreter of an empty environment."""
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    return tmp_path / "env" / "bin" / "python"


def tree(python: Path) -> dict[str, str]:
    """Digests of all files of the environment, but of bytecode."""
    home = python.parents[1]
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }


def as_seen_by_pip(python: Path) -> tuple[str, str]:
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    done = subprocess.run([*map(str, pip), "check"], capture_output=True, text=True, check=False)
    return run(*pip, "list"), done.stdout


def test_pandas_for_numpy_1_beside_numpy_2(
    python: Path, wheels: dict[str, Path], pure: list[Path]
) -> None:
    install = ("install", "--python", python, "--no-compile-bytecode")
    checker(*install, wheels[NUMPY_2], *pure)
    before = tree(python)
    said = checker(*install, wheels[PANDAS_OF_NUMPY_1], status=1)
    assert said.startswith("invalid: pandas 2.1.4 with numpy 2.2.6\n")
    assert "it was compiled for NumPy ABI 1; NumPy 2.2.6 has ABI 2" in said
    assert tree(python) == before
    said = checker(*install, "--force", wheels[PANDAS_OF_NUMPY_1])
    assert "installed all the same (--force)" in said
    assert "binary incompatibility" in run(python, "-c", "import pandas", status=1)
    said = checker(*install, wheels[PANDAS], status=2)
    assert "pandas 2.1.4 is installed" in said
    run(UV, "pip", "uninstall", "-q", "--python", python, "pandas")
    checker(*install, wheels[PANDAS])
    assert run(python, "-c", "import pandas; print(pandas.__version__)") == "2.3.3\n"


def test_what_pip_sees_is_what_it_sees_after_installer(
    python: Path, wheels: dict[str, Path], pure: list[Path], tmp_path: Path
) -> None:
    files = [wheels[NUMPY_1], wheels[PANDAS], *pure]
    checker("install", "--python", python, "--no-compile-bytecode", *files)
    ours, seen = tree(python), as_seen_by_pip(python)
    assert "No broken requirements found" in seen[1]
    shutil.rmtree(python.parents[1])
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    library = Path(__import__("installer").__file__).parents[1]
    run(python, "-c", f"import sys; sys.path.append({str(library)!r}); "
        "from installer.__main__ import _main; _main(sys.argv[1:])",
        "--no-compile-bytecode", *files)  # fmt: skip
    assert (tree(python), as_seen_by_pip(python)) == (ours, seen)
    assert run(python, "-c", "import pandas; print(pandas.__version__)") == "2.3.3\n"


@pytest.fixture(params=["pylock.toml", "requirements.txt"])
def locked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[object]:
    """Makes a lock of one kind, by uv."""
    version = "{}.{}".format(*sys.version_info)
    options = {"pylock.toml": "--format=pylock.toml", "requirements.txt": "--generate-hashes"}

    def lock(*requirements: str) -> Path:
        asked, made = tmp_path / "asked.in", tmp_path / request.param
        asked.write_text("\n".join(requirements))
        run(UV, "pip", "compile", "-q", "--no-deps", "--python-version", version,
            options[request.param], asked, "-o", made)  # fmt: skip
        return made

    return lock


def test_locks_made_by_uv(locked) -> None:
    told = checker("lock", locked(PANDAS_OF_NUMPY_1, NUMPY_2), status=1)
    assert "invalid: pandas 2.1.4 with numpy 2.2.6" in told
    told = checker("lock", locked(PANDAS, NUMPY_2), status=0)
    assert told == "2 pairs: 2 valid, 0 invalid, 0 unknown\n"
