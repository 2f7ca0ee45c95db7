"""Index servers that others wrote, started on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
import requests
from packaging.utils import parse_wheel_filename

NGINX_CONFIGURATION = """
daemon off;
master_process off;
pid {own}/nginx.pid;
error_log {own}/error.log;
events {{}}
http {{
  access_log {own}/access.log;
  client_body_temp_path {own}/body;
  proxy_temp_path {own}/proxy;
  fastcgi_temp_path {own}/fastcgi;
  uwsgi_temp_path {own}/uwsgi;
  scgi_temp_path {own}/scgi;
  {told}
}}
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(command: list[str], port: int) -> Iterator[str]:
    """The origin at which `command`, a server, listens within twenty seconds."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, f"{command[0]} has ended"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def http_server(root: Path) -> Iterator[str]:
    """`python -m http.server`: HTML only, and no ranges."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with running([*command, "--directory", str(root)], port) as origin:
        yield origin


@contextmanager
def nginx(root: Path, own: Path, told: str) -> Iterator[str]:
    """nginx with the configuration `told` by `publish --help`, its files in `own`."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("there is no nginx")
    own.mkdir()
    port = free_port()
    told = told.replace("root DIR;", f"listen 127.0.0.1:{port}; root {root};")
    configuration = own / "nginx.conf"
    configuration.write_text(NGINX_CONFIGURATION.format(own=own, told=told))
    command = [program, "-p", str(own), "-e", str(own / "error.log"), "-c", str(configuration)]
    with running(command, port) as origin:
        yield origin


@contextmanager
def pypiserver(wheels: Path) -> Iterator[str]:
    """pypiserver: HTML only, and no files but distributions."""
    # Not imported here: it changes how everything after it is imported.
    if find_spec("pypiserver") is None:
        pytest.skip("pypiserver is not installed")
    port = free_port()
    start = (
        "from pypiserver.__main__ import main;"
        f"main(['run', '-i', '127.0.0.1', '-p', '{port}', {str(wheels)!r}])"
    )
    with running([sys.executable, "-c", start], port) as origin:
        yield origin


@contextmanager
def devpi(wheels: Path, own: Path) -> Iterator[str]:
    """devpi with one index that has the wheels; its files in `own`."""
    programs = os.environ.get("WHEEL_ABI_DEVPI")
    if programs is None:
        pytest.skip("WHEEL_ABI_DEVPI does not say in which directory the program devpi-server is")
    own.mkdir()
    port = free_port()
    init = [str(Path(programs, "devpi-init")), "--serverdir", str(own), "--no-root-pypi"]
    subprocess.run(init, check=True, capture_output=True, timeout=120)
    start = [str(Path(programs, "devpi-server")), "--serverdir", str(own), "--host", "127.0.0.1"]
    with running([*start, "--port", str(port)], port) as origin:
        index = f"{origin}/root/farm"
        root = requests.Session()
        root.auth = ("root", "")
        with root:
            root.put(index, json={"type": "stage", "bases": []}, timeout=60).raise_for_status()
            for wheel in sorted(wheels.glob("*.whl")):
                name, version, _, _ = parse_wheel_filename(wheel.name)
                form = {":action": "file_upload", "name": name, "version": str(version)}
                content = {"content": (wheel.name, wheel.read_bytes())}
                root.post(f"{index}/", data=form, files=content, timeout=60).raise_for_status()
        yield f"{index}/+simple"
