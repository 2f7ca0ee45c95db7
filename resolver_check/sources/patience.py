"""How long and how often a server is tried."""

from __future__ import annotations

from dataclasses import dataclass

import urllib3


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long and how often to try; times in seconds."""

    connect: float = 10.0
    silence: float = 60.0
    """Longest wait for the next byte."""
    deadline: float = 1800.0
    """Longest time for one body."""
    repeats: int = 3
    """Requests after the first, where no usable answer came."""
    backoff: float = 0.3
    transfers: int = 3
    """Transfers in all, where bodies end early."""


class _BoundedRetry(urllib3.Retry):
    """Keeps to Retry-After, but not for hours."""

    longest = 60.0

    def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, self.longest)


def retry(patience: Patience) -> urllib3.Retry:
    """The same for urllib3, which repeats a request that got no answer."""
    return _BoundedRetry(
        total=patience.repeats,
        status_forcelist=(429, 502, 503, 504),
        allowed_methods={"GET", "HEAD"},
        backoff_factor=patience.backoff,
        raise_on_status=False,
        redirect=False,
    )
