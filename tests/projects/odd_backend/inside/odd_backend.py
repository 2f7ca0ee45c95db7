"""A backend with one hook, which prints, goes elsewhere, spoils the environment and imports late."""

import os
from pathlib import Path

ROOT = Path.cwd()


class UnsupportedOperation(Exception):
    pass


def build_sdist(sdist_directory, config_settings=None):
    raise UnsupportedOperation("an odd backend makes no sdist")


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    print("printed by the odd backend")
    wheel_directory = os.path.abspath(wheel_directory)
    os.chdir("/")
    os.environ.pop("PATH", None)
    mode = (ROOT / "mode.txt").read_text() if (ROOT / "mode.txt").exists() else ""
    if mode == "raise":
        raise RuntimeError("the odd backend broke")
    if mode == "exit":
        raise SystemExit(7)
    import odd_wheel

    return odd_wheel.write(wheel_directory)
