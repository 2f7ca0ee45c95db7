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


def chosen(distribution):
    """The names of the distributions meant."""
    if not distribution.startswith("-"):
        return [distribution]
    named = [each.metadata["Name"] for each in importlib.metadata.distributions()]
    return [name for name in named if normalized(name) != normalized(distribution[1:])]


def normalized(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def binaries(distribution):
    """(name, path) of each; the name has dots where it is a module's and slashes elsewhere."""
    for entry in importlib.metadata.distribution(distribution).files or ():
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
    found = sorted(each for name in chosen(distribution) for each in binaries(name))
    if exercise:
        found.append(("exercise", None))
    limited = [each for each in found if wanted is None or each[0] in wanted]
    json.dump({name: outcome(name, path, exercise) for name, path in limited}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
