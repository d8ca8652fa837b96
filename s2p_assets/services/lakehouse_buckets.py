"""Work over a table of a lakehouse, a bucket at a time, by whatever workers are in force: beyond one machine's memory.

Which workers there are is said by `learning/parallel.py`; how a table got there, by `lakehouse.py`.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from s2p_assets.learning.parallel import run_parallel
from s2p_assets.services.errors import NotFound
from s2p_assets.warehouse.lakehouse.delta_tables import Lakehouse

T = TypeVar("T")


def map_buckets(
    lake: Lakehouse,
    table: tuple[str, str],
    work: Callable[[Any], T],
    *,
    columns: Sequence[str] = (),
    version: int | None = None,
    arrow: bool = False,
    at_once: int = 1,
) -> list[T]:
    """`work` of the rows of each bucket of a table, (domain, name), or of so many `at_once`, in their order.

    All rows of an entity, or of a file, are in one bucket. A worker reads its buckets itself and holds no other; `work`
    is a function of a module that every worker has, of a frame of pandas, or, with `arrow`, of an Arrow table, which
    polars and DuckDB take without a copy. Raises NotFound for a table that is not there.

        with workers("dask://scheduler:8786"):
            scores = map_buckets(lake, ("retail", "demand_features"), backtest, columns=["sku", "week", "units"])
    """
    written = lake.written(*table)
    if written is None or not written.buckets:
        raise NotFound(f"{lake.place(*table)} has no rows; s2p export --to delta {lake.root} writes them")
    at = written.version if version is None else version
    numbers = sorted(written.buckets)
    parts = [tuple(numbers[begin : begin + at_once]) for begin in range(0, len(numbers), at_once)]
    tasks = [(lake, table, part, at, tuple(columns), arrow, work) for part in parts]
    return run_parallel(_of_buckets, tasks, progress=f"buckets of {'_'.join(table)},")


def _of_buckets(
    lake: Lakehouse,
    table: tuple[str, str],
    numbers: tuple[int, ...],
    version: int,
    columns: tuple[str, ...],
    arrow: bool,
    work: Callable[[Any], Any],
) -> Any:
    import pyarrow

    rows = pyarrow.concat_tables([lake.read_bucket(*table, number, version, columns) for number in numbers])
    return work(rows if arrow else rows.to_pandas())
