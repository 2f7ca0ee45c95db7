"""Run by the interpreter of an environment: which binaries of a distribution load in it.

    python import_modules.py DISTRIBUTION [EXERCISE] < NAMES > RESULTS

RESULTS is a JSON object: what was loaded -> null or what went wrong. Extension modules are
imported, other shared objects loaded with all their symbols, each in a process of its own. EXERCISE
is Python that calls what is bound. NAMES is a JSON array that limits this, or null. DISTRIBUTION is
`-name` for all but that one.

For old Pythons too.
"""

import ctypes
import importlib
import importlib.machinery
import importlib.metadata
import json
import os
import re
import signal
import sys
import traceback

SECONDS = 120
SUFFIXES = importlib.machinery.EXTENSION_SUFFIXES


def chosen(name):
    """The distributions meant."""
    for each in importlib.metadata.distributions():
        is_named = normalized(each.metadata["Name"]) == normalized(name.lstrip("-"))
        if is_named != name.startswith("-"):
            yield each


def normalized(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def binaries(distribution):
    """(name, path) of each; the name has dots where it is a module's and slashes elsewhere."""
    for entry in distribution.files or ():
        if not re.search(r"\.so(\.[0-9.]+)?$", entry.name):
            continue
        stem, _, suffix = entry.name.partition(".")
        is_module = "." + suffix in SUFFIXES and not (suffix == "so" and stem.startswith("lib"))
        below = str(entry).rpartition("site-packages/")[2]  # cmeel has one of its own inside
        folders = below.split("/")[:-1]
        if is_module and all(folder.isidentifier() for folder in folders):
            yield ".".join([*folders, stem]), None
        else:
            yield below, str(entry.locate())


def outcome(name, path, exercise):
    """Null, or what the import ended with: found out in a child, which may crash."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        os.setsid()  # what it may do to its process group it does to itself
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        signal.alarm(SECONDS)
        os.write(writer, said(name, path, exercise).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        text = stream.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "ended by " + signal.Signals(os.WTERMSIG(status)).name
    return text or None if os.WEXITSTATUS(status) == 0 else "ended the process"


def said(name, path, exercise):
    try:
        if name == "exercise":
            exec(exercise, {})
        elif path:
            ctypes.CDLL(path, os.RTLD_NOW)
        else:
            importlib.import_module(name)
    except BaseException as error:
        if "TRACE" in os.environ:
            return traceback.format_exc()[-1500:]
        return "{}: {}".format(type(error).__name__, " ".join(str(error).split()))[:400]
    return ""


def main(distribution, exercise=""):
    wanted = json.load(sys.stdin)
    found = dict(each for one in chosen(distribution) for each in binaries(one))
    if exercise:
        found["exercise"] = None
    names = [name for name in sorted(found) if wanted is None or name in wanted]
    json.dump({name: outcome(name, found[name], exercise) for name in names}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
