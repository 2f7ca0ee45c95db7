"""Makes the cast: three releases of gift, and a wheel that was compiled with the first."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

HEADER = """\
#define GIFT_ABI_VERSION {abi}
static const char *const gift_abi = "gift-abi-{abi}";
#define GIFT_IMPORT() PyCapsule_Import("gift._C_API", 0)
"""
TAKER = """\
#include "gift.h"
void *PyCapsule_Import(const char *, int);
const char *taker_abi(void) {{ return gift_abi; }}
void *PyInit__taker(void) {{ return GIFT_IMPORT(); }}
"""


def make_wheel(directory: Path, name: str, version: str, tag: str, files: dict[str, bytes]) -> None:
    """A wheel of `files`, with METADATA, WHEEL and RECORD."""
    info = f"{name}-{version}.dist-info"
    members = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(),
    }
    record = "".join(f"{path},{_digest(data)},{len(data)}\n" for path, data in members.items())
    with zipfile.ZipFile(directory / f"{name}-{version}-{tag}.whl", "w") as archive:
        for path, data in {**members, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(path, data)


def _digest(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"


def compiled(directory: Path) -> bytes:
    """The extension module of taker, compiled with gift 1.0."""
    (directory / "gift.h").write_text(HEADER.format(abi=1))
    (directory / "taker.c").write_text(TAKER.format())
    command = ["cc", "-shared", "-fPIC", "-O1", "-o", "taker.so", "taker.c"]
    subprocess.run(command, cwd=directory, check=True)
    return (directory / "taker.so").read_bytes()


def main(directory: Path) -> None:
    """Fill `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    for version, abi in (("1.0", 1), ("1.1", 1), ("2.0", 2)):
        header = HEADER.format(abi=abi) + f'#define GIFT_VERSION "{version}"\n'
        files = {"gift/__init__.py": b"", "gift/include/gift.h": header.encode()}
        make_wheel(directory, "gift", version, "py3-none-any", files)
    suffix = "cpython-311-x86_64-linux-gnu.so"
    files = {"taker/__init__.py": b"", f"taker/_taker.{suffix}": compiled(directory)}
    make_wheel(directory, "taker", "1.0", "cp311-cp311-linux_x86_64", files)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
