"""A build backend so small that the farm needs no index: a package with one C module."""

from __future__ import annotations

import base64
import email
import hashlib
import importlib
import subprocess
import sysconfig
import zipfile
from pathlib import Path


def build_wheel(wheel_directory: str, *_ignored: object) -> str:
    """PEP 517: the name of the wheel of the project in the current folder."""
    metadata = Path("PKG-INFO").read_text(encoding="utf-8")
    fields = email.message_from_string(metadata)
    name, version = fields["Name"], fields["Version"]
    requires = fields.get_all("Requires-Dist", [])
    includes = [name, *(importlib.import_module(each).include() for each in requires)]
    module = f"{name}/_core{sysconfig.get_config_var('EXT_SUFFIX')}"
    flags = [f"-I{each}" for each in (sysconfig.get_path("include"), *includes)]
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", *flags, "-o", module, "core.c"], check=True)

    python = "cp" + sysconfig.get_config_var("SOABI").split("-")[1]
    tag = f"{python.rstrip('t')}-{python}-{sysconfig.get_platform().replace('-', '_')}"
    info = f"{name}-{version}.dist-info"
    files = {path.as_posix(): path.read_bytes() for path in sorted(Path(name).iterdir())}
    files[f"{info}/METADATA"] = metadata.encode()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    record = "".join(f"{path},{_digest(data)},{len(data)}\n" for path, data in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    with zipfile.ZipFile(Path(wheel_directory, f"{name}-{version}-{tag}.whl"), "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return f"{name}-{version}-{tag}.whl"


def _digest(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"
