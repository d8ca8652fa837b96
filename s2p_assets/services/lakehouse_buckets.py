"""Work over a table of a lakehouse, a bucket at a time, by whatever workers are in force: beyond one machine's memory.

Which workers there are is said by `learning/parallel.py`; how a table got there, by `lakehouse.py`.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pandas as pd

from s2p_assets.learning.parallel import run_parallel
from s2p_assets.services.errors import NotFound
from s2p_assets.warehouse.lakehouse.delta_tables import Lakehouse

T = TypeVar("T")


def map_buckets(
    lake: Lakehouse,
    table: tuple[str, str],
    work: Callable[[pd.DataFrame], T],
    *,
    columns: Sequence[str] = (),
    version: int | None = None,
) -> list[T]:
    """`work` of the rows of each bucket of a table, (domain, name), in the order of the buckets.

    All rows of an entity, or of a file, are in one bucket. A worker reads its bucket itself and holds no other; `work`
    is a function of a module that every worker has. Raises NotFound for a table that is not there.

        with workers("dask://scheduler:8786"):
            scores = map_buckets(lake, ("retail", "demand_features"), backtest, columns=["sku", "week", "units"])
    """
    written = lake.written(*table)
    if written is None or not written.buckets:
        raise NotFound(f"{lake.place(*table)} has no rows; s2p export --to delta {lake.root} writes them")
    at = written.version if version is None else version
    tasks = [(lake, table, number, at, tuple(columns), work) for number in sorted(written.buckets)]
    return run_parallel(_of_bucket, tasks, progress=f"buckets of {'_'.join(table)},")


def _of_bucket(
    lake: Lakehouse,
    table: tuple[str, str],
    number: int,
    version: int,
    columns: tuple[str, ...],
    work: Callable[[pd.DataFrame], Any],
) -> Any:
    return work(lake.read_bucket(*table, number, version, columns).to_pandas())
