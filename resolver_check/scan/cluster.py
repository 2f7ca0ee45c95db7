"""Dask as the executor of a scan: processes on this machine, or on all of a cluster."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from backend_shim import __version__
from resolver_check.errors import SourceUnavailable, UsageError

_SECONDS_TO_CONNECT: Final = 10
_SECONDS_TO_START: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Workers at hand."""

    executor: Executor
    threads: int
    """Of all workers together, when the scan begins."""
    lost: tuple[type[BaseException], ...]
    """What a task raises instead of the processes that it ended, several in a row."""


@contextmanager
def on_cluster(scheduler: str | None, workers: int) -> Iterator[Cluster]:
    """The workers of the Dask scheduler at that address, or so many processes on this machine.

    A worker that vanishes is no failure: others do its tasks. Raises UsageError without Dask, and
    SourceUnavailable where there are no workers that could run this program.
    """
    try:
        from distributed import Client, KilledWorker, LocalCluster  # noqa: PLC0415 - heavy, an extra
    except ImportError as error:
        wrong = "--scheduler and --workers need Dask: pip install 'wheel-abi[check,dask]'"
        raise UsageError(wrong) from error
    with ExitStack() as stack:
        address: Any = scheduler
        name = scheduler or "the local cluster"
        try:
            if scheduler is None:
                local = LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,  # a wheel that ends its process ends no other's reading
                    dashboard_address=None,
                    preload=__name__,
                    silence_logs=logging.CRITICAL,
                )
                address = stack.enter_context(local)
            client = stack.enter_context(Client(address, timeout=_SECONDS_TO_CONNECT))
            client.wait_for_workers(1, timeout=_SECONDS_TO_START)
            versions = set(client.run(_version).values())
        except Exception as error:  # Whatever a worker raises comes back as it is.
            text = " ".join(str(error).split())
            raise SourceUnavailable(
                name, f"cannot be used: {text or type(error).__name__}"
            ) from error
        if versions != {__version__}:
            wrong = f"its workers have wheel-abi {', '.join(sorted(versions))}, not {__version__}"
            raise SourceUnavailable(name, wrong)
        _be_silent()
        threads = sum(client.nthreads().values())
        # Twice the same wheel is two tasks: what one reads is not remembered for the other.
        executor = client.get_executor(pure=False)
        try:
            yield Cluster(executor=executor, threads=threads, lost=(KilledWorker,))
        except CancelledError as error:
            raise SourceUnavailable(name, "went away in the middle of the scan") from error


def _be_silent() -> None:
    """What a scan makes of a lost worker or scheduler is what there is to say of it."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in {"asyncio", "distributed", "tornado"}:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def dask_setup(_worker: object) -> None:
    """What Dask calls in each process of the local cluster.

    An interrupt from the keyboard reaches them too; it is for whoever started them to end them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _version() -> str:
    return __version__
