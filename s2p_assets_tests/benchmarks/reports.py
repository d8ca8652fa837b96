"""What reports and traces cost: the retail reports over 10,000 SKUs × 3 years, numbers traced over 10 million rows.

What the numbers say is not measured here, they are made up; ingestion has a benchmark of its own.

    uv run python -m s2p_assets_tests.benchmarks.reports [--skus 10000] [--rows 10000000] [--keep FOLDER]
"""

import argparse
import datetime as dt
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg
from psycopg import sql

from s2p_assets.catalog.catalog import Catalog, Key, Stored
from s2p_assets.catalog.loading import load_catalog
from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.report import Document, Imprint, Report
from s2p_assets.learning.training import train
from s2p_assets.learning.versions import Champion
from s2p_assets.models.retail_demand_champion import demand_champion
from s2p_assets.models.retail_demand_moving_average import demand_moving_average
from s2p_assets.publishing.editions.saved_numbers import read_saved_numbers
from s2p_assets.publishing.editions.saving_numbers import save_numbers
from s2p_assets.publishing.renderers.excel import write_excel
from s2p_assets.publishing.renderers.html import write_html
from s2p_assets.publishing.renderers.pdf import write_pdf
from s2p_assets.publishing.sections.forecast_scores import DEMAND_CLASSES, MEASURES
from s2p_assets.services.context import Context
from s2p_assets.services.frame_cache import FrameCache
from s2p_assets.services.numbers_files import numbers_file
from s2p_assets.services.trace import trace_number, trace_table
from s2p_assets.settings import Settings
from s2p_assets.warehouse.server import embedded
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.tables.workbook_tables import ensure_workbook_table, rows_table
from s2p_assets.warehouse.trace.indexes import index_for_tracing
from s2p_assets.warehouse.warehouse import Warehouse
from s2p_assets_tests.benchmarks.metering import Meter
from s2p_assets_tests.learning.histories import WEEKLY, seasonal

LAST_MONDAY = pd.Timestamp("2026-03-23")
WEEKS, AHEAD, FOLDS, SEED = 156, 8, 6, 20261121
MODELS = tuple(f"demand_{name}" for name in ("boosting", "combination", "prophet", "seasonal_naive", "smoothing"))
CLOCK = ", by the clock"
MOST_TIMES, MOST_PDF_SECONDS, MOST_TRACE_SECONDS = 6.0, 5.0, 0.5

ROWS_OF = {
    "wholesale_sales": "'SKU-' || lpad((n % {skus})::text, 5, '0') as sku, 1 + n % 7 as quantity, 9.5 as unit_price,"
    " 5.5 as item_cost, 'PO-' || n as customer_po, date '2026-03-29' - ((n::bigint * 7919) % 1092)::int as ship_date,"
    " 'I-' || n as invoice_num",
    "retail_sales": "'SKU-' || lpad((n % {skus})::text, 5, '0') as sku, 1 + n % 9 as quantity,"
    " date '2026-03-23' - 7 * (n / {skus})::int as from_date, date '2026-03-29' - 7 * (n / {skus})::int as to_date",
}


def main() -> None:
    """Fill a database, then print each figure beside what it should reach."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skus", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--most-traces", type=int, help="so many numbers of each report; all of them by default")
    parser.add_argument("--keep", type=Path, help="a folder for the database, to be used again")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="s2p-reports-", ignore_cleanup_errors=True) as temporary:
        folder = asked.keep or Path(temporary)
        url = embedded.start_server(folder / "postgres")
        try:
            settings = Settings(home=folder, database_url=url)
            catalog, warehouse = load_catalog(("s2p_assets",)), Warehouse(settings)
            if not (folder / "filled").exists():
                fill(catalog, warehouse, asked.skus, asked.rows)
                (folder / "filled").touch()
            documents = reports(settings, catalog, warehouse, folder)
            traces(settings, catalog, warehouse, documents, asked.most_traces)
        finally:
            embedded.release_server(folder / "postgres")


def fill(catalog: Catalog, warehouse: Warehouse, skus: int, rows: int) -> None:
    """Workbook tables by the database itself, derived tables as assets store them."""
    began = time.monotonic()
    with warehouse.connect() as connection:
        for workbook in (*catalog.workbooks.values(), *catalog.streams.values()):
            if workbook.domain == "retail":
                ensure_workbook_table(connection, workbook)
        for name, count in (("wholesale_sales", rows), ("retail_sales", skus * WEEKS)):
            _fill_workbook(connection, catalog, name, count, skus)
            print(f"{name}: {count:,} rows, {time.monotonic() - began:.0f} s", flush=True)
        for name, frame in derived(skus).items():
            table = catalog.tables[f"retail_{name}"]
            store.replace_table(connection, table, with_all_columns(frame, table.columns))
            print(f"{name}: {len(frame):,} rows, {time.monotonic() - began:.0f} s", flush=True)
        for table in catalog.tables.values():
            if table.domain == "retail" and table.name not in derived(1):  # which the reports do not measure
                store.replace_table(connection, table, pd.DataFrame(columns=[one.name for one in table.columns]))
        (came_in,) = (table for table in catalog.delivery_tables if table.domain == "retail")
        store.replace_table(connection, came_in, with_all_columns(deliveries(skus), came_in.columns))
        fill_features(connection, catalog)


def with_all_columns(frame: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """What is made up, with the columns that a table was given since: empty, or some value where they may not be."""
    none: dict[str, Any] = {"text": "", "code": "", "boolean": False, "date": LAST_MONDAY, "timestamp": LAST_MONDAY}
    added = {
        one.name: None if one.nullable else none.get(one.kind, 0) for one in columns if one.name not in frame.columns
    }
    return frame.assign(**added)


def fill_features(connection: psycopg.Connection, catalog: Catalog) -> None:
    """The feature sets of the made-up tables, made as their assets make them."""
    for features in catalog.features.values():
        inputs = catalog.inputs_of(features)
        if {key[1] for key in inputs.values()} <= set(derived(1)) and features.domain == "retail":
            frames = {
                name: store.read_rows(connection, *key, columns=catalog.columns_at(key)) for name, key in inputs.items()
            }
            store.replace_table(connection, features, features.build(**frames))
            index_for_tracing(connection, features, catalog.trace_indexes(features))
            print(f"{features.name}: stored", flush=True)


def _fill_workbook(connection: psycopg.Connection, catalog: Catalog, name: str, count: int, skus: int) -> None:
    workbook = catalog.workbooks[f"retail_{name}"]
    places = '{"Sheet1": {"sku": "A", "quantity": "B", "ship_date": "C", "from_date": "C"}}'
    (file,) = connection.execute(
        "insert into s2p.files (workbook, path, sha256, size, mtime_ns, as_of_ns, contract_version, verdict, is_loaded,"
        " owner, column_letters, loaded_at, rows_accepted) values (%s, %s, '00', 0, 0, 0, '', 'accepted', true, '', %s,"
        " '2026-03-30', %s) returning id",
        (workbook.full_name, f"{name}.xlsx", places, count),
    ).fetchone() or (0,)
    names = [*(column.name for column in workbook.columns), "_file", "_sheet", "_row"]
    command = f"insert into {{}} ({{}}) select {{}} from (select {ROWS_OF[name].format(skus=skus)}, {file} as _file,"
    command += f" 'Sheet1' as _sheet, (n + 2)::int as _row from generate_series(0, {count - 1}) n) made"
    listed = sql.SQL(", ").join(map(sql.Identifier, names))
    place = rows_table(workbook.domain, workbook.name)
    connection.execute(sql.SQL(command).format(place, listed, listed))
    index_for_tracing(connection, workbook, catalog.trace_indexes(workbook))
    connection.execute(sql.SQL("vacuum analyze {}").format(place))


def derived(skus: int) -> dict[str, pd.DataFrame]:
    """Made-up content of what the retail reports are made from."""
    chance = np.random.default_rng(SEED)
    names = pd.Series([f"SKU-{number:05}" for number in range(skus)])
    price = pd.Series(chance.uniform(5, 200, skus).round(2))
    stock = pd.Series(chance.integers(0, 400, skus).astype(float))
    usual = pd.Series(chance.gamma(1.2, 12.0, skus))
    supplier = names.str[-2:].radd("Supplier ")
    last_day = LAST_MONDAY + pd.Timedelta(days=6)
    cover = stock / usual * 7
    quantity = (usual * 6 - stock).clip(lower=0).round()
    terms = {
        "sku": names,
        "description": names.radd("Article "),
        "category": names.str[-1:].radd("Group "),
        "supplier": supplier,
        "asin": names.radd("B0"),
        "msrp": price,
        "t2_cost": price * 0.7,
        "item_cost": price * 0.5,
        "pack_size": 1,
        "minimum_order": 1,
        "lead_time_days": 21,
        "shelf_life_days": pd.array([pd.NA] * len(names), dtype="Int64"),
    }
    since = pd.Timestamp("2025-01-01")
    older = pd.DataFrame(terms | {"valid_from": pd.Timestamp("2023-01-01"), "valid_to": since, "is_current": False})
    newer = pd.DataFrame(terms | {"valid_from": since, "valid_to": pd.NaT, "is_current": True})
    newer = newer.astype({"valid_to": older["valid_to"].dtype})
    newer["msrp"] *= 1.04
    return {
        "demand": _demand(chance, names, usual, price),
        "demand_forecast": _forecast(names, usual),
        "total_forecast": _forecast(names[:1], pd.Series([usual.sum()])).drop(
            columns=["sku", "deviation", "life", "order_mean"]
        ),
        "total_backtest": _past_forecast(float(usual.sum())),
        "demand_scores": _scores(chance),
        "order_backtest": _past_orders(),
        "products": pd.concat([older, newer], ignore_index=True),
        "stock_position": pd.DataFrame(
            {"sku": names, "as_of": last_day, "counted_on": LAST_MONDAY, "counted": stock, "received_since": 0.0}
            | {"sold_since": 0.0, "on_hand": stock, "on_order": 0.0}
        ),
        "reorder_plan": pd.DataFrame(
            {
                "sku": names,
                "description": terms["description"],
                "supplier": supplier,
                "on_hand": stock,
                "on_order": 0.0,
                "lead_time_days": 21,
                "demand_over_lead_time": usual * 4,
                "service_level": 0.95,
                "safety_stock": usual,
                "reorder_point": usual * 5,
                "order_up_to": usual * 6,
                "order_quantity": quantity.astype("Int64"),
                "order_cost": (quantity * price * 0.5).round(2),
                "days_of_cover": cover.clip(upper=1000),
                "runs_out_on": last_day + pd.to_timedelta(cover.clip(upper=1000).round(), unit="D"),
                "shortage_if_ordered": (usual * 3 - stock).clip(lower=0),
                "shortage_if_not_ordered": (usual * 4 - stock).clip(lower=0),
                "cost_of_waiting": (usual * price).round(2),
            }
        ),
    }


def _past_forecast(usual: float) -> pd.DataFrame:
    cutoffs = [LAST_MONDAY - pd.Timedelta(weeks=AHEAD * (fold + 1)) for fold in range(FOLDS)]
    rows = [(cutoff, step) for cutoff in cutoffs for step in range(1, AHEAD + 1)]
    frame = pd.DataFrame(rows, columns=["cutoff", "step"])
    frame["week"] = frame["cutoff"] + pd.to_timedelta(7 * frame["step"], unit="D")
    told = {"actual": usual, "mean": usual * 1.02, "q10": usual * 0.9, "q50": usual, "q90": usual * 1.1}
    return frame.assign(**told, model="demand_boosting", model_version="made up")


def _past_orders() -> pd.DataFrame:
    kept: dict[str, Any] = {"model_version": "made up", "fill": 0.97, "days_of_stock": 21.0, "stock_at_same_fill": 21.0}
    kept |= {"service_level": 0.95, "review_days": 7, "cover_days": 14, "usual_lead_days": 14, "holding_cost": 0.25}
    kept |= {"wasted": np.nan, "folds": FOLDS, "because": f"Orders follow from {MODELS[0]}."}
    frame = pd.DataFrame({"model": MODELS}).assign(**kept)
    return frame.assign(serves=frame["model"] == MODELS[0])


def _scores(chance: np.random.Generator) -> pd.DataFrame:
    """Every model in every fold, over all SKUs and each kind."""
    rows = [(m, f, kind) for m in MODELS for f in range(1, FOLDS + 1) for kind in ("all", *DEMAND_CLASSES)]
    frame = pd.DataFrame(rows, columns=["model", "fold", "series"])
    frame["cutoff"] = LAST_MONDAY - pd.to_timedelta(7 * AHEAD * (FOLDS + 1 - frame["fold"]), unit="D")
    frame["until"] = frame["cutoff"] + pd.Timedelta(weeks=AHEAD)
    measures = {name: chance.uniform(0.3, 0.9, len(frame)) for name in MEASURES}
    return frame.assign(**measures, entities=2500, is_champion=frame["model"] == MODELS[0])


def deliveries(files: int) -> pd.DataFrame:
    """What came in over three years, one file in forty sent back."""
    number = pd.Series(range(files))
    back = number % 40 == 0
    seen_at = pd.Timestamp(LAST_MONDAY) - pd.to_timedelta(number % 1000, unit="D")
    return pd.DataFrame(
        {
            "file": number + 1,
            "path": number.map("sales/retail/Week {:05}.xlsx".format),
            "version": 1,
            "workbook": "retail_retail_sales",
            "owner": number.mod(20).map("shop {:02}".format),
            "verdict": back.map({True: "returned", False: "accepted"}),
            "status": "current",
            "is_open": back,
            "rows_read": 150,
            "rows_accepted": np.where(back, 0, 150),
            "rows_returned": np.where(back, 150, 0),
            "problems": back.astype(int),
            "problem": back.map({True: "Sheet1 › B2: 'a few' is not a quantity", False: None}),
            "saved_at": seen_at,
            "seen_at": seen_at,
            "sha256": "00",
        }
    )


def champion() -> Champion:
    """Some model in service; what the scorecard says of it costs the same whatever it learned from."""
    contest = replace(demand_champion, task=WEEKLY)
    made_at = dt.datetime(2026, 3, 30, tzinfo=dt.UTC)
    made = train(demand_moving_average, contest, seasonal(5, 120), feature_version="f", trained_at=made_at, run_id="r")
    return Champion("retail", "demand_champion", made, "made up", made.scores)


def _demand(
    chance: np.random.Generator, names: "pd.Series[str]", usual: "pd.Series[float]", price: "pd.Series[float]"
) -> pd.DataFrame:
    weeks = pd.date_range(end=LAST_MONDAY, periods=WEEKS, freq="7D")
    retail = chance.poisson(np.repeat(usual.to_numpy(), WEEKS)).astype(float)
    wholesale = chance.poisson(np.repeat(usual.to_numpy() / 3, WEEKS)).astype(float)
    prices = np.repeat(price.to_numpy(), WEEKS)
    return pd.DataFrame(
        {
            "sku": np.repeat(names.to_numpy(), WEEKS),
            "week": np.tile(weeks.to_numpy(), len(names)),
            "units": retail + wholesale,
            "retail_units": retail,
            "wholesale_units": wholesale,
            "revenue": ((retail + wholesale * 0.7) * prices).round(2),
            "unit_price": prices,
            "censored": chance.random(len(retail)) < 0.02,
        }
    )


def _forecast(names: "pd.Series[str]", usual: "pd.Series[float]") -> pd.DataFrame:
    weeks = pd.date_range(LAST_MONDAY + pd.Timedelta(days=7), periods=AHEAD, freq="7D")
    mean = np.repeat(usual.to_numpy(), AHEAD) * 1.3
    return pd.DataFrame(
        {
            "sku": np.repeat(names.to_numpy(), AHEAD),
            "week": np.tile(weeks.to_numpy(), len(names)),
            "step": np.tile(np.arange(1, AHEAD + 1), len(names)),
            "order_mean": mean,
            "deviation": np.repeat(usual.to_numpy(), AHEAD) * 0.4,
            "life": pd.NA,
            "mean": mean,
            "q10": mean * 0.6,
            "q50": mean,
            "q90": mean * 1.5,
            "model": "demand_boosting",
            "model_version": "made up",
        }
    )


@contextmanager
def taking(spent: dict[str, float], what: str, server: int | None) -> Iterator[None]:
    """CPU seconds of this process and of PostgreSQL, noted under `what`."""
    with Meter(server) as meter:
        began = time.monotonic()
        yield
        spent[f"{what}{CLOCK}"] = time.monotonic() - began
    spent[what] = meter.cost["cpu"]


def reports(settings: Settings, catalog: Catalog, warehouse: Warehouse, folder: Path) -> list[tuple[Report, Document]]:
    """Every retail report, read as a run reads it, made, written; against reading all their tables once."""
    chosen = [one for one in catalog.reports.values() if one.domain == "retail"]
    tables = {key for one in chosen for key in catalog.inputs_of(one).values() if catalog.columns_at(key)}
    made_at, documents, spent = dt.datetime(2026, 3, 30, tzinfo=dt.UTC), [], dict[str, float]()
    server, frames, in_service = server_of(settings), FrameCache(), champion()
    with warehouse.connect() as connection:

        def given(key: Key) -> Any:
            declared = catalog.by_key[key]
            return frames.read(connection, declared) if isinstance(declared, Stored) else in_service

        for _ in range(2):  # the first time it comes from the disk
            with taking(spent, "reading", server):
                for key in tables:
                    store.read_rows(connection, *key, columns=catalog.columns_at(key))
        for one in chosen:
            imprint, place = Imprint(one.full_name, (), "EUR", made_at), folder / f"{one.full_name}.html"
            with taking(spent, f"{one.full_name}: read", server):
                inputs = {name: given(key) for name, key in catalog.inputs_of(one).items()}
            with taking(spent, f"{one.full_name}: made", None):
                document = one.build(**inputs)
            with taking(spent, f"{one.full_name}: numbers kept", None):
                kept_at = dt.datetime.now(dt.UTC)
                save_numbers(document, numbers_file(settings, one, document.as_of), made_at=kept_at)
            for write, ending in ((write_html, ".html"), (write_excel, ".xlsx"), (write_pdf, ".pdf")):
                with taking(spent, f"{one.full_name}: {write.__name__}", None):
                    write(document, place.with_suffix(ending), imprint)
                print(f"  {one.full_name}{ending}: {place.with_suffix(ending).stat().st_size / 1e6:.1f} MB")
            documents.append((one, document))
    _print_costs(spent, len(chosen))
    return documents


def _print_costs(all_spent: dict[str, float], count: int) -> None:
    spent = {what: seconds for what, seconds in all_spent.items() if not what.endswith(CLOCK)}
    whole = sum(seconds for what, seconds in spent.items() if what != "reading" and not what.endswith("pdf"))
    for what, seconds in spent.items():
        print(f"  {what}: {seconds:.2f} CPU s")
    slowest = max(seconds for what, seconds in spent.items() if what.endswith("pdf"))
    print(f"{count} reports, HTML and Excel: {whole / spent['reading']:.1f} × reading (reach ≤ {MOST_TIMES:.0f})")
    print(f"slowest PDF: {slowest:.1f} CPU s (reach ≤ {MOST_PDF_SECONDS:.0f})")


def traces(
    settings: Settings,
    catalog: Catalog,
    warehouse: Warehouse,
    documents: list[tuple[Report, Document]],
    most: int | None,
) -> None:
    """All headline numbers and a number of every column of each report, and rows of tables, as `s2p trace` shows them.

    CPU seconds of this process and of PostgreSQL, and seconds by the clock.
    """
    chance, spent, server = random.Random(SEED), dict[str, float](), server_of(settings)
    for report, document in documents:
        saved = read_saved_numbers(numbers_file(settings, report, document.as_of))
        ids = [f"F{place + 1}" for place, figure in enumerate(saved["figures"]) if figure["of"]]
        cells = [
            f"T{section + 1}.{chance.randrange(len(table['rows'])) + 1}.{column + 1}"
            for section, table in enumerate(saved["tables"])
            for column, declared in enumerate(table["columns"])
            if declared["of"] and table["rows"]
        ]
        for wanted in [*ids, *cells][:most]:
            with taking(spent, f"{report.full_name} {wanted}", server):
                trace_number(Context(settings, catalog, warehouse), report.full_name, wanted, most=5)
    sku, week = "SKU-00007", f"{LAST_MONDAY:%Y-%m-%d}"
    rows = {"demand": {"week": week}, "stock_position": {}, "reorder_plan": {}, "wholesale_sales": {}}
    for name, more in rows.items():
        with taking(spent, f"retail_{name} of {sku}", server):
            trace_table(Context(settings, catalog, warehouse), f"retail_{name}", {"sku": sku} | more, (), most=5)
    cpu = {what: seconds for what, seconds in spent.items() if not what.endswith(CLOCK)}
    slowest = sorted(cpu, key=lambda what: -cpu[what])
    for what in slowest[:8]:
        print(f"  {what}: {cpu[what]:.2f} CPU s, {spent[what + CLOCK]:.2f} s by the clock")
    longest = max(seconds for what, seconds in spent.items() if what.endswith(CLOCK))
    print(
        f"{len(cpu)} traces: median {sorted(cpu.values())[len(cpu) // 2]:.2f} CPU s, slowest {cpu[slowest[0]]:.2f}; "
        f"{longest:.2f} s by the clock (reach ≤ {MOST_TRACE_SECONDS:g})"
    )


def server_of(settings: Settings) -> int:
    """The process of the embedded PostgreSQL."""
    return int((settings.home / "postgres/data/postmaster.pid").read_text().splitlines()[0])


if __name__ == "__main__":
    main()
