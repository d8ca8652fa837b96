"""The commands of `s2p` by name, each with its example, and what is said when one cannot do its work.

What each command asks and prints is in the module of its subject.
"""

import gc
import os
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from s2p_assets.cli import (
    backup,
    data_versions,
    database,
    entries,
    fetch,
    lakehouse,
    messages,
    models,
    people,
    reports,
    share,
    streams,
    tables,
    upgrade,
    workbooks,
)
from s2p_assets.cli.aliases import aliases
from s2p_assets.cli.dbt import dbt
from s2p_assets.cli.demo import demo
from s2p_assets.cli.subscriptions import subscriptions, threshold_alerts
from s2p_assets.cli.terminal import COULD_NOT, err, escape, out

GARBAGE_AFTER = 50_000
"""New objects until Python looks for garbage; with its 700 that takes a sixth of every command's start."""

SECRET = re.compile("PASSWORD$|SECRET$|OPTIONS$|^DATABASE_URL$|^SOURCE_DATABASES$|^HEARTBEAT_URL$")
"""Settings whose values are shown to nobody."""

COMMANDS = (
    (demo, "Examples: `s2p demo`, `s2p demo --all --no-ui`"),
    (share.up, "Example: `S2P_SHARE=/srv/share s2p up`"),
    (share.run, "Example: `s2p run --json`"),
    (workbooks.check, "Example: `s2p check 'Prices March.xlsx' --marked Checked.xlsx`"),
    (workbooks.plan, "Example: `s2p plan 'Prices April.xlsx'`"),
    (share.status, "Example: `s2p status --json`"),
    (
        reports.trace,
        "Examples: `s2p trace retail_demand sku=1042 week=2026-11-09`, `s2p trace retail_weekly_outlook F1`",
    ),
    (
        tables.table,
        "Examples: `s2p table retail_demand --where sku=1`, `s2p table retail_demand --as-of 2026-03-31 --to Then.csv`",
    ),
    (
        lakehouse.export,
        "Examples: `s2p export --to delta /srv/lake`, `s2p export --to delta s3://bucket/s2p --as-of 2026-03-31`",
    ),
    (tables.diff, "Example: `s2p diff retail_price_list --from 2026-03-31 --to 2026-04-30T12:00`"),
    (
        reports.report,
        "Examples: `s2p report retail_weekly_outlook`, `s2p report retail_weekly_outlook --as-of 2026-03-31`",
    ),
    (messages.messages, "Examples: `s2p messages`, `s2p messages --test anna@example.com`"),
    (share.accept, "Example: `s2p accept 'sales/Sales May.xlsx'`"),
    (share.keep, "Example: `s2p keep 'sales/Sales 2023.xlsx'`"),
    (share.forget, "Example: `s2p forget 'prices/Prices 2024.xlsx'`"),
    (fetch.fetch, "Examples: `s2p fetch`, `s2p fetch suppliers --json`"),
    (fetch.dataset, "Examples: `s2p dataset f1 --token-file token`, `s2p dataset https://example.com/a.zip --to a`"),
    (streams.stream, "Examples: `S2P_KAFKA=kafka:9092 s2p stream`, `s2p stream --for 60`"),
    (streams.returned, "Examples: `s2p returned retail_web_orders`, `s2p returned retail_web_orders --lines`"),
    (streams.replay, "Examples: `s2p replay retail_web_orders`, `s2p replay retail_web_orders corrected.ndjson`"),
    (workbooks.template, "Example: `s2p template retail_price_list`"),
    (workbooks.new, "Example: `s2p new Orders.xlsx --name acme_orders`"),
    (models.champion, "Example: `s2p champion retail_demand_champion --set demand_prophet --because 'the fair'`"),
    (models.why, "Example: `s2p why retail_demand_boosting`"),
    (data_versions.reproduce, "Example: `s2p reproduce retail_demand_boosting@3f2a91c0`"),
    (models.predict, "Example: `s2p predict retail_demand_champion sku=0001 --horizon 4`"),
    (data_versions.tag, "Examples: `s2p tag annual-2026 --because 'annual accounts'`, `s2p tag`"),
    (data_versions.gc, "Examples: `s2p gc`, `s2p gc --remove`"),
    (backup.backup, "Example: `s2p backup /mnt/backups/s2p`"),
    (
        backup.restore,
        "Examples: `s2p restore /mnt/backups/s2p`, `s2p restore /mnt/backups/s2p --until '2026-11-29 14:05:00'`",
    ),
    (backup.drill, "Example: `s2p drill /mnt/backups/s2p --json`"),
    (upgrade.upgrade, "Example: `s2p upgrade --to /mnt/backups/s2p`"),
    (models.mlflow, "Example: `s2p mlflow --port 5000`"),
    (database.sql, "Examples: `s2p sql`, `s2p sql 'select * from retail.products limit 5'`"),
    (database.connection, "Example: `s2p connection`"),
    (database.roles, "Examples: `s2p roles`, `s2p roles --sql | psql -h db.example.com -U postgres`"),
)
"""In the order in which `s2p --help` lists them."""

app = typer.Typer(
    name="s2p",
    help="Sheets to pipelines: drop a workbook, read its numbers in the next report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
)
for _command, _example in COMMANDS:
    app.command(epilog=_example)(_command)
app.add_typer(entries.entries)
app.add_typer(people.users)
app.add_typer(people.tokens)
app.add_typer(aliases)
app.add_typer(subscriptions)
app.add_typer(threshold_alerts)
app.add_typer(dbt)


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(f"s2p {version('s2p-assets')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Sheets to pipelines: drop a workbook, read its numbers in the next report."""


def main() -> None:
    """Run the command line; every failure a person can mend is one line."""
    gc.set_threshold(GARBAGE_AFTER, 20, 20)
    try:
        app()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:  # whoever read what we print has seen enough, as in `s2p status | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None
    except Exception as error:
        line = _one_line(error)
        if line is None:
            raise
        err.print(f"[red]s2p:[/red] {escape(line)}")
        raise SystemExit(COULD_NOT) from None


def _one_line(error: Exception) -> str | None:
    """What went wrong and what to do next; None for a fault of s2p's own, whose traceback is wanted."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        wrong = error.errors()[0]
        name = "_".join(str(part) for part in wrong["loc"]).upper()
        if not name:
            return f"{wrong['msg'].removeprefix('Value error, ')}; correct it in the environment or .env"
        given = "…" if SECRET.search(name) else repr(wrong["input"])
        return f"S2P_{name}={given} is not usable: {wrong['msg']}; correct it in the environment or .env"
    if isinstance(error, UnicodeDecodeError) and error.object == _read_or_nothing(Path(".env")):
        return ".env is not UTF-8 text; save it as such, then try again"
    from s2p_assets.services.errors import one_line

    return one_line(error)


def _read_or_nothing(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
