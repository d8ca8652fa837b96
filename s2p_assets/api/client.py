"""s2p for people who work in Python: `s2p = connect()`, then tables, features, forecasts and traces as pandas.

Over HTTP, or in this process against the installation's database: both are answered by the same routes, alike.
"""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

from s2p_assets.contracts.errors import MendableError

if TYPE_CHECKING:
    import httpx
    import pandas as pd

PREFIX = "/api/v1"
SECONDS = 600.0
MOST_NEWEST = 1000


class NotAnswered(MendableError):
    """What was asked cannot be; the line of the server that says why."""


def connect(url: str | None = None, token: str | None = None) -> "Client":
    """What s2p knows, as pandas: of the server at `url` with a token, or of the installation that S2P_HOME names.

    `connect().table("retail_demand", sku="0001")`, `connect("https://s2p.example.com", "s2p_…")`.
    """
    return Client(_Http(url, token) if url else _InProcess())


class Client:
    """One s2p. Ends with `close()`, or with the block that it is used in."""

    def __init__(self, answers: "_Http | _InProcess") -> None:
        self._answers = answers

    def tables(self) -> "pd.DataFrame":
        """Every table, a row each: name, kind, description, owner, key, rows, changed_at."""
        return self._listed("/tables")

    def columns(self, name: str) -> "pd.DataFrame":
        """The columns of a table in the contract's words, a row each."""
        import pandas as pd

        return pd.DataFrame(self._json("GET", f"/tables/{name}")["columns"]).set_index("name")

    def table(
        self, name: str, *, columns: Sequence[str] = (), as_of: str | None = None, **where: Any
    ) -> "pd.DataFrame":
        """The rows of a table with these values; `as_of`: what it held at the end of that day.

        Values of `where` are compared for equality; other operators are written `week__gte="2026-01-01"`.
        """
        asked = {key.replace("__", ".", 1): str(value) for key, value in where.items()}
        asked |= {"columns": ",".join(columns)} if columns else {}
        asked |= {"as_of": as_of} if as_of else {}
        return _frame(self._content("GET", f"/tables/{name}/rows", params=asked | {"format": "arrow"}))

    def feature_sets(self) -> "pd.DataFrame":
        """Every feature set, a row each: entity, event_time, owner, rows, changed_at, what it is made from."""
        return self._listed("/features")

    def features(
        self, name: str, entities: "pd.DataFrame", time: str, *, columns: Sequence[str] = (), max_age_days: float = 0
    ) -> "pd.DataFrame":
        """For each row of `entities` the features that were known at its `time`: the rows that training sees.

        `entities`: the columns that name the entity, and the column `time`. One row each, in their order and under
        their index, with `asked_at`; missing where nothing was known, or nothing younger than `max_age_days`.
        """
        names = self._json("GET", f"/features/{name}")["entity"]
        asked: dict[str, Any] = {
            "entities": entities[names].astype(str).to_dict("records"),
            "times": [moment.isoformat() if hasattr(moment, "isoformat") else str(moment) for moment in entities[time]],
            "columns": ",".join(columns),
            "format": "arrow",
        }
        asked |= {"max_age_days": max_age_days} if max_age_days else {}
        return _frame(self._content("POST", f"/features/{name}/offline", json=asked)).set_index(entities.index)

    def newest(self, name: str, entities: "pd.DataFrame", *, as_of: str | None = None) -> "pd.DataFrame":
        """The newest features known of each entity by now, or by `as_of`, in their order; missing where none are."""
        import pandas as pd

        found: list[Any] = []
        rows = entities.astype(str).to_dict("records")
        for first in range(0, len(rows), MOST_NEWEST):
            asked: dict[str, Any] = {"entities": rows[first : first + MOST_NEWEST], "as_of": as_of}
            found += self._json("POST", f"/features/{name}/online", json=asked)["rows"]
        return pd.DataFrame([row or {} for row in found], index=entities.index)

    def forecast(self, name: str, *, since: str = "", until: str = "", **entity: Any) -> "pd.DataFrame":
        """The stored forecast of an entity: `forecast("retail_demand_forecast", sku="0001")`."""
        import pandas as pd

        asked = {key: str(value) for key, value in entity.items()} | {"since": since, "until": until}
        return pd.DataFrame(self._json("GET", f"/forecasts/{name}", params=asked)["rows"])

    def predict(
        self, name: str, *, cases: "pd.DataFrame | None" = None, horizon: int | None = None, **where: Any
    ) -> "pd.DataFrame":
        """What the model in service predicts: of stored entities with these values, or of typed-in cases."""
        import pandas as pd

        asked: dict[str, Any] = {"where": where, "horizon": horizon}
        if cases is not None:
            asked = {"cases": cases.astype(object).where(cases.notna(), None).to_dict("records")}
        return pd.DataFrame(self._json("POST", f"/models/{name}/predict", json=asked)["rows"])

    def models(self) -> "pd.DataFrame":
        """The contests, a row each, with champion and challenger."""
        return self._listed("/models")

    def trace(self, name: str, *columns: str, **key: Any) -> dict[str, Any]:
        """A row's values walked back to files, sheets and cells: `trace("retail_demand", "units", sku="0001")`."""
        asked = {one: str(value) for one, value in key.items()} | ({"column": list(columns)} if columns else {})
        found: dict[str, Any] = self._json("GET", f"/tables/{name}/trace", params=asked)
        return found

    def close(self) -> None:
        self._answers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _listed(self, path: str) -> "pd.DataFrame":
        import pandas as pd

        return pd.DataFrame(self._json("GET", path))

    def _json(self, method: str, path: str, **more: Any) -> Any:
        import orjson

        return orjson.loads(self._content(method, path, **more))

    def _content(self, method: str, path: str, **more: Any) -> bytes:
        answer = self._answers.ask(method, PREFIX + path, more)
        if answer.status_code >= 400:
            said = answer.json() if "json" in answer.headers.get("content-type", "") else {}
            raise NotAnswered(said.get("detail", f"{answer.status_code} from {path}"))
        return answer.content


class _Http:
    def __init__(self, url: str, token: str | None) -> None:
        import httpx

        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=SECONDS)

    def ask(self, method: str, path: str, more: Mapping[str, Any]) -> "httpx.Response":
        return self._client.request(method, path, **more)

    def close(self) -> None:
        self._client.close()


class _InProcess:
    """The routes answered by this process, in a thread, as an engineer on this computer asks them."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="s2p client", daemon=True).start()
        self._ending = AsyncExitStack()
        self._client: httpx.AsyncClient = self._run(self._open())

    async def _open(self) -> "httpx.AsyncClient":
        import httpx

        from s2p_assets.api.app import routes_in_process
        from s2p_assets.services.context import open_context
        from s2p_assets.settings import read_settings

        app = await self._ending.enter_async_context(routes_in_process(open_context(read_settings())))
        transport = httpx.ASGITransport(app)
        return await self._ending.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=SECONDS)
        )

    def ask(self, method: str, path: str, more: Mapping[str, Any]) -> "httpx.Response":
        found: httpx.Response = self._run(self._client.request(method, path, **more))
        return found

    def close(self) -> None:
        if self._loop.is_running():
            self._run(self._ending.aclose())
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _frame(content: bytes) -> "pd.DataFrame":
    """A frame in the types that the tables are read in everywhere: pyarrow's strings, days as moments."""
    import pandas as pd
    import pyarrow

    types = {pyarrow.string(): pd.StringDtype("pyarrow"), pyarrow.int64(): pd.Int64Dtype()}
    types |= {pyarrow.bool_(): pd.BooleanDtype()}
    rows = pyarrow.ipc.open_stream(content).read_all()
    found: pd.DataFrame = rows.to_pandas(types_mapper=types.get, date_as_object=False)
    days = found.select_dtypes("datetime").columns
    return found.astype(dict.fromkeys(days, "datetime64[ns]"))
