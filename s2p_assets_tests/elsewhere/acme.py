"""A company whose lists lie elsewhere: its shelf, its installation, and one step from a folder there to rows here.

What is tested with it is in the tests.
"""

import io
import json
import os
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

from s2p_assets.services.context import Context, open_context
from s2p_assets.services.ingest import ingest, store_ingest
from s2p_assets.services.ingested_file import IngestedFile
from s2p_assets.services.remotes import fetching
from s2p_assets.services.remotes.fetching import FetchResult, fetch_remote, remote_named
from s2p_assets.settings import Settings

BOOK = '''"""{docs}"""

from s2p_assets import Code, Money, Row, Workbook, column


class Price(Row):
    """What an article costs."""

    article: Code = column("Article", description="The article's number")
    price: Money = column("Price", description="Price of one piece", ge=0)


{name} = Workbook(rows=Price, path="prices/**/*.xlsx", owner="buyer@example.com", key=("article",), may_overwrite=True,
    max_restated=None, max_rows_gone=None, {more})
'''


@dataclass(frozen=True)
class Acme:
    """The installation, and the folder that it lies in."""

    folder: Path
    ctx: Context

    def fetch(self, name: str) -> FetchResult:
        return fetch_remote(self.ctx, remote_named(self.ctx, name))

    def take(self, workbook: str = "acme_prices") -> dict[str, IngestedFile]:
        """Read and store what is new of a kind of workbook, as a run does."""
        book = self.ctx.catalog.workbooks[workbook]
        with self.ctx.reader() as reader, self.ctx.warehouse.connect() as connection:
            taken = ingest(self.ctx, book, reader, progress=lambda _: None)
            store_ingest(connection, book, taken, "run")
        return {one.path: one for one in taken.files}

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.ctx.warehouse.connect() as connection:
            return connection.execute(query, values).fetchall()

    def prices(self) -> dict[str, float]:
        rows = self.ask("select article, price from acme.prices order by 1")
        return {article: float(price) for article, price in rows}


@contextmanager
def acme_at(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    share: str,
    logins: Mapping[str, Mapping[str, Any]],
    books: Mapping[str, str] | None = None,
    **more: Any,
) -> Iterator[Acme]:
    """`share`: S2P_SHARE; `logins`: the file of logins; `books`: name → what its contract says further."""
    package = f"acme_{abs(hash(str(folder)))}_{time.time_ns()}"
    shelf = folder / package / "workbooks"
    shelf.mkdir(parents=True)
    (folder / package / "__init__.py").touch()
    for name, said in (books or {"prices": ""}).items():
        (shelf / f"acme_{name}.py").write_text(BOOK.format(docs="ACME's prices.", name=name, more=said))
    home = folder / "home"
    home.mkdir(exist_ok=True)
    (home / "remotes.yaml").write_text(yaml.safe_dump({name: dict(one) for name, one in logins.items()}))
    (home / "remotes.yaml").chmod(0o600)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(fetching, "SETTLING_SECONDS", 0.05)
    settings = Settings(home=home, share=share, shelves=(package,), database_url=url, disk_free_mb=0, **more)
    yield Acme(folder, open_context(settings))


PADDED_BYTES = 6000


def price_list(prices: Mapping[str, Any], title: str = "Prices") -> bytes:
    """A workbook of articles and their prices, of as many bytes as any other of so few."""
    book, made = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in (("Article", "Price"), *prices.items()):
        sheet.append(row)
    book.save(made)
    with zipfile.ZipFile(made, "a") as archive:
        archive.comment = b" " * (PADDED_BYTES - len(made.getvalue()))
    return made.getvalue()


def lay(file: Path, content: bytes, age_seconds: float = 100.0) -> Path:
    """A file that somebody saved a while ago."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    moment = time.time() - age_seconds
    os.utime(file, (moment, moment))
    return file


def as_json(value: Any) -> str:
    return json.dumps(value, default=str)
