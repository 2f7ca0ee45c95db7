"""What the program `keyring` knows.

The program and not the library, as uv has it: whichever is on PATH serves, with its backends and
their dependencies, and a backend that crashes or waits for somebody to type ends with its process.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable

from resolver_check.sources.web_address import Credentials

_SECONDS = 30.0
# The last line of a traceback: what follows the name could quote anything.
_NAME_OF_ERROR = re.compile(r"([A-Za-z_][\w.]{0,99})(:|$)")


class KeyringFailed(Exception):
    """The keyring could not be asked; `wrong` says why. Caught within this folder."""

    def __init__(self, wrong: str) -> None:
        super().__init__(wrong)
        self.wrong = wrong


def find_credentials(services: Iterable[str], user: str | None) -> Credentials | None:
    """The first that the keyring has for one of `services`; None without one, or without it.

    Raises KeyringFailed. A user has to be named for keyrings before 25.2.
    """
    program = shutil.which("keyring")
    if program is None:
        return None
    for service in services:
        said = _asked(program, service, user)
        if said is not None:
            return _read(said, user)
    return None


def _asked(program: str, service: str, user: str | None) -> str | None:
    if user is None:
        arguments = ["--mode=creds", "--output=json", "get", "--", service]
    else:
        arguments = ["get", "--", service, user]
    try:
        ran = subprocess.run(  # noqa: S603 - the user's own program, and no shell
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise KeyringFailed(f"did not answer within {_SECONDS:.0f} seconds") from None
    except OSError as error:
        raise KeyringFailed(error.strerror or type(error).__name__) from error
    if ran.returncode == 0:
        return ran.stdout.decode("utf-8", errors="replace")
    complaint = ran.stderr.decode("utf-8", errors="replace").strip()
    if ran.returncode == 1 and not complaint:  # So it says that it has none.
        return None
    name = _NAME_OF_ERROR.match(complaint.splitlines()[-1]) if complaint else None
    raise KeyringFailed(f"failed ({name[1] if name else f'status {ran.returncode}'})")


def _read(said: str, user: str | None) -> Credentials:
    if user is not None:
        return Credentials(user=user, password=said.rstrip("\r\n"))
    try:
        table = json.loads(said)
        found, password = table["username"], table["password"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise KeyringFailed("gave an answer that cannot be read") from None
    if not isinstance(found, str) or not isinstance(password, str):
        raise KeyringFailed("gave an answer that cannot be read")
    return Credentials(user=found, password=password)
