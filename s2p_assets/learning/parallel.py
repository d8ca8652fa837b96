"""The same work on one core, on all of them or on a cluster by joblib, and hash shards of entities.

What the work is belongs to backtests and forecasters; which workers there are is a setting.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import pandas as pd

T = TypeVar("T")

SHARDS = 64
BACKENDS = {"threads": "threading", "loky": "loky", "dask": "dask", "ray": "ray"}

log = logging.getLogger(__name__)


class WorkersUnreachable(Exception):
    """The workers that the setting names cannot be had; one line that says why and what to do."""


@contextmanager
def workers(setting: str) -> Iterator[None]:
    """Within it, `run_parallel` uses the workers of `setting`; outside, tasks are done one after the other.

    `threads` or `loky` (processes), on all cores or on so many (`threads:4`); `dask://HOST:PORT` or `ray://HOST:PORT`,
    a cluster that is running, to which joblib's own backends connect. One OpenMP thread per worker: they spin for each
    other. Raises ValueError for another word, WorkersUnreachable for a cluster that is not there.
    """
    import joblib

    kind, _, rest = setting.partition(":")
    if kind not in BACKENDS or (kind in ("dask", "ray") and not rest.startswith("//")):
        raise ValueError(
            f"S2P_JOBLIB={setting}: not threads, loky, threads:4, loky:4, dask://HOST:PORT, ray://HOST:PORT"
        )
    with _cluster(kind, rest.removeprefix("//")):
        if kind in ("dask", "ray"):
            chosen = joblib.parallel_config(BACKENDS[kind])
        else:
            jobs = int(rest) if rest.isdigit() and int(rest) > 0 else available_cores()
            one_thread = {"inner_max_num_threads": 1} if kind == "loky" else {}
            chosen = joblib.parallel_config(BACKENDS[kind], n_jobs=jobs, **one_thread)
        with chosen:
            yield


def available_cores() -> int:
    """The cores that this process may use, at least one."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_parallel(work: Callable[..., T], tasks: Iterable[tuple[Any, ...]], *, progress: str) -> list[T]:
    """`work(*task)` of every task, in their order, by the workers in force; the progress is logged as "`progress` 3 of
    8".

    The first error of any ends it. For processes and clusters, `work` is a function of a module.
    """
    import joblib

    waiting = list(tasks)
    backend, _ = joblib.parallel.get_active_backend()
    as_they_come = backend.supports_return_generator  # which Ray's does not: its progress is told at the end
    parallel = joblib.Parallel(return_as="generator" if as_they_come else "list")
    results = []
    for result in parallel(joblib.delayed(_single_threaded)(work, task) for task in waiting):
        results.append(result)
        log.info("%s %d of %d", progress, len(results), len(waiting))
    return results


def shard_of(entities: Sequence[Any] | pd.Index, shards: int = SHARDS) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """The shard of each entity, 0 to `shards` − 1, by a hash of its name: the same on every machine, for ever."""
    names = np.asarray([str(entity) for entity in entities], dtype=object)
    return (pd.util.hash_array(names, categorize=False) % np.uint64(shards)).astype("int64")


def _single_threaded(work: Callable[..., T], task: tuple[Any, ...]) -> T:
    """One task, with one OpenMP thread for the libraries that are loaded by then."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1, user_api="openmp"):
        return work(*task)


@contextmanager
def _cluster(kind: str, address: str) -> Iterator[None]:
    """A connection to a cluster that is running; none for `threads` and `loky`."""
    if kind == "dask":
        client = _dask_client(address)
        try:
            yield
        finally:
            client.close()
    elif kind == "ray":
        leave = _join_ray(address)
        try:
            yield
        finally:
            leave()
    else:
        yield


def _dask_client(address: str) -> Any:
    try:
        from distributed import Client

        return Client(f"tcp://{address.removeprefix('tcp://')}", timeout="10s")
    except ImportError:
        raise WorkersUnreachable(
            "S2P_JOBLIB asks for Dask, which is not installed: pip install dask distributed"
        ) from None
    except (OSError, ValueError) as error:
        raise WorkersUnreachable(f"no Dask scheduler answers at {address} ({error}); correct S2P_JOBLIB") from None


def _join_ray(address: str) -> Callable[[], None]:
    """Joins a cluster; returned is what leaves it, which does nothing where this process was in it before."""
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError:
        raise WorkersUnreachable("S2P_JOBLIB asks for Ray, which is not installed: pip install ray") from None
    try:
        was_there = bool(ray.is_initialized())
        ray.init(address=f"ray://{address}", ignore_reinit_error=True)
        register_ray()
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise WorkersUnreachable(f"no Ray cluster answers at {address} ({error}); correct S2P_JOBLIB") from None
    return (lambda: None) if was_there else ray.shutdown
