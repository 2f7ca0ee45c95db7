"""A backend with one hook, which prints, goes elsewhere, spoils the environment and imports late."""

import os
import sys
from pathlib import Path

ROOT = Path.cwd()
MODE = (ROOT / "mode.txt").read_text() if (ROOT / "mode.txt").exists() else ""


def note(*call):
    """Write down that a hook was called, and with what."""
    with (ROOT / "calls.txt").open("a") as file:
        print(*call, file=file)


if MODE == "prepare":

    def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
        import odd_wheel

        note("prepare_metadata_for_build_wheel", config_settings)
        return odd_wheel.prepare(metadata_directory)


class UnsupportedOperation(Exception):
    pass


def build_sdist(sdist_directory, config_settings=None):
    raise UnsupportedOperation("an odd backend makes no sdist")


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    prepared = sorted(os.listdir(metadata_directory)) if metadata_directory else None
    note("build_wheel", config_settings, prepared)
    print("printed by the odd backend")
    wheel_directory = os.path.abspath(wheel_directory)
    os.chdir("/")
    os.environ.pop("PATH", None)
    if MODE == "raise":
        raise RuntimeError("the odd backend broke")
    if MODE == "exit":
        sys.exit(7)
    if MODE == "vanish":
        os._exit(7)
    import odd_wheel

    name = odd_wheel.write(wheel_directory)
    if MODE == "raise late":
        raise RuntimeError("the odd backend broke")
    return name


class Spaced:
    """The same backend as an object within an object of the module."""

    class hooks:  # noqa: N801
        build_wheel = staticmethod(build_wheel)
