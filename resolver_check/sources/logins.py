"""With which user and password each host is asked: the URL's, else netrc's, else the keyring's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

from resolver_check.sources.keyring_program import KeyringFailed, find_credentials
from resolver_check.sources.web_address import Credentials, Origin, origin

WAYS = "credentials can be in the URL, in netrc, or in the keyring (the program `keyring`)"


class Logins:
    """Those for an index and the hosts that it leads to; threads may share them.

    netrc is read by requests. The keyring is asked after a 401, once for each host: a user without
    a password goes alone first, for it may be a token, and the keyring gets it as an argument,
    which all can see.
    """

    def __init__(self, index: str, given: Credentials | None = None) -> None:
        """`index` is the URL without its credentials, which are `given`."""
        self._index = index
        self._origin = origin(index)
        self._given = given
        self._found: dict[Origin, Credentials | None] = {}
        self._lock = threading.Lock()
        self._wrong: str | None = None

    def known(self, url: str) -> Credentials | None:
        """What the host of `url` is asked with, as far as that is known before it answers."""
        where = origin(url)
        given = self._given if where == self._origin else None
        if given is not None and given.password is not None:
            return given
        return self._found.get(where) or given

    def after_refusal(self, url: str, used: Credentials | None) -> Credentials | None:
        """Others to try, for the host of `url` answered 401 to the `used` ones."""
        given = self._given if origin(url) == self._origin else None
        if given is not None and given.password is not None:
            return None
        found = self._from_keyring(url, None if given is None else given.user)
        return None if found == used else found

    @property
    def hint(self) -> str:
        """What to say after a 401 or 403."""
        return WAYS if self._wrong is None else f"{WAYS}; the keyring {self._wrong}"

    def _from_keyring(self, url: str, user: str | None) -> Credentials | None:
        where = origin(url)
        with self._lock:  # Others wait: it may ask its owner something.
            if where not in self._found:
                self._found[where] = None
                try:
                    self._found[where] = find_credentials(self._services(url, where), user)
                except KeyringFailed as error:
                    self._wrong = error.wrong
            return self._found[where]

    def _services(self, url: str, where: Origin) -> Iterator[str]:
        """Under which names, as pip and uv: the URL of the index, then the host.

        By its name alone no host is trusted with a password that goes unencrypted.
        """
        if where == self._origin:
            yield self._index
        if where.scheme == "https":
            yield urlsplit(url).netloc.rpartition("@")[2]
