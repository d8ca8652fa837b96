"""The rows of a file in the form in which a workbook's table stores them.

Bringing them in belongs to `load.py`; the table itself, to `workbook_tables.py`.
"""

import pyarrow

from s2p_assets.contracts.workbook import Workbook


def rows_of_file(rows: pyarrow.Table, id_: int, workbook: Workbook) -> pyarrow.Table:
    """`rows`, as in `Reading.rows`, in the types of the contract's table, with the ledger id in `_file`."""
    names = [*(column.name for column in workbook.columns), "_sheet", "_row"]
    types = [*(column.arrow_type for column in workbook.columns), pyarrow.string(), pyarrow.int64()]
    chosen = rows.select(names)
    exact = [
        chosen.schema.field(name).type if pyarrow.types.is_decimal(chosen.schema.field(name).type) else type_
        for name, type_ in zip(names, types, strict=True)
    ]
    typed = chosen.cast(pyarrow.schema(list(zip(names, exact, strict=True))))
    return typed.append_column("_file", pyarrow.repeat(pyarrow.scalar(id_), rows.num_rows))
