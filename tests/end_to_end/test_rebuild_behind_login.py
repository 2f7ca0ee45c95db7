"""A build takes what it requires from an index that asks for a password, by the real pip."""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from resolver_check.rebuild import Workshop
from resolver_check.sources import index_login
from resolver_check.sources.sdists import SdistDirectory
from resolver_check.target import target
from tests.support.keyring_program import KeyringProgram
from tests.support.served_index import Manners, ServedIndex
from tests.support.wheel_factory import make_wheel

pytestmark = pytest.mark.end_to_end

LOGIN = ("ann", "s3cret:/@=")
BACKEND = """
import base64, os, zipfile
def build_wheel(directory, settings=None, metadata=None):
    name = "demo-1.0-py3-none-any.whl"
    info = "demo-1.0.dist-info"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        wheel.writestr("demo.py", "")
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: demo\\nVersion: 1.0\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n"
                       "Generator: tiny\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "")
    return name
"""
FILES = {
    "PKG-INFO": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
    "pyproject.toml": '[build-system]\nrequires = ["tiny==1.0"]\nbuild-backend = "tiny"\n',
}


@pytest.fixture
def sdists(tmp_path: Path) -> Path:
    directory = tmp_path / "sdists"
    directory.mkdir()
    with tarfile.open(directory / "demo-1.0.tar.gz", "w:gz") as packed:
        for name, text in FILES.items():
            member = tarfile.TarInfo(f"demo-1.0/{name}")
            member.size = len(text)
            packed.addfile(member, io.BytesIO(text.encode()))
    return directory


@pytest.mark.parametrize("way", ["url", "keyring"])
def test_pip_finds_the_password_and_shows_it_to_nobody(
    sdists: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    make_wheel(wheels, name="tiny", files={"tiny.py": BACKEND.encode()})
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("WHEEL_ABI_CACHE", str(tmp_path / "cache"))
    with ServedIndex(wheels, Manners(login=LOGIN)) as index:
        monkeypatch.setenv("PIP_INDEX_URL", index.url)  # so that no other one is asked
        url = index.url
        if way == "url":
            url = url.replace("http://", "http://ann:s3cret%3A%2F%40%3D@")
        else:
            KeyringProgram(tmp_path / "keyring", monkeypatch, {url: LOGIN})
        found = index_login(url, canonicalize_name("tiny"))
        assert found is not None
        shop = Workshop(
            sdists=SdistDirectory(sdists),
            python=sys.executable,
            out=tmp_path / "out",
            find_links=(),
            indexes=[found],
            constraints=(),
            target=target(None, None),
        )
        result = shop.build(canonicalize_name("demo"), Version("1.0"))
        said = result.log.read_text()
        assert result.wheel is not None, said
        assert any(path.startswith("/files/tiny") for _, path, *_ in index.requests)
    assert "s3cret" not in said
