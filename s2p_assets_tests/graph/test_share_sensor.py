"""What the sensor promises: each file is reported once it stands still by itself, whatever the others do."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from s2p_assets.graph.share_sensor import share_sensor
from s2p_assets.services.context import open_context
from s2p_assets.settings import Settings

Meanwhile = Callable[[], object]
Looks = Callable[..., dict[str, int]]


@pytest.fixture
def share(tmp_path: Path) -> Path:
    (tmp_path / "share/prices").mkdir(parents=True)
    return tmp_path / "share"


@pytest.fixture
def look(tmp_path: Path, share: Path) -> Iterator[Looks]:
    """A tick of one sensor, and what happens at each pause between two looks; what it reports, as workbook's share →
    files that stand still.
    """
    settings = Settings(home=tmp_path / "home", share=share, database_url="postgresql://nowhere/none")
    happens: list[Meanwhile] = []

    def rest(_: float) -> None:
        if happens:
            happens.pop(0)()

    sensor = share_sensor(open_context(settings), rest)
    cursor: list[str | None] = [None]
    with dg.DagsterInstance.ephemeral() as instance:

        def one(*meanwhile: Meanwhile) -> dict[str, int]:
            happens[:] = meanwhile
            result = sensor(dg.build_sensor_context(instance=instance, cursor=cursor[0]))
            assert isinstance(result, dg.SensorResult)
            cursor[0] = result.cursor
            return {
                event.asset_key.path[-1]: int(str(event.metadata["files"].value))
                for event in result.asset_events
                if "files" in event.metadata
            }

        yield one


def test_a_dropped_file_is_reported_at_the_tick_that_it_wakes(look: Looks, share: Path) -> None:
    (share / "prices/Before.xlsx").write_bytes(b"whole")
    look()
    (share / "prices/Prices.xlsx").write_bytes(b"whole")
    assert look() == {"price_list_share": 2}


def test_a_file_that_never_stops_growing_holds_back_no_other(look: Looks, share: Path) -> None:
    prices, growing = share / "prices/Prices.xlsx", share / "prices/Growing.xlsx"

    def grow() -> None:
        with growing.open("ab") as file:
            file.write(b"more")

    def look_while_it_grows() -> dict[str, int]:
        grow()
        return look(grow, grow)

    look_while_it_grows()
    prices.write_bytes(b"whole")
    assert look_while_it_grows()["price_list_share"] == 1
    assert [look_while_it_grows() for _ in range(3)] == [{}, {}, {}]
    assert look()["price_list_share"] == 2
    assert look() == {}


def test_a_file_that_changes_is_reported_when_it_stands_still_again(look: Looks, share: Path) -> None:
    prices = share / "prices/Prices.xlsx"
    prices.write_bytes(b"whole")
    assert look()["price_list_share"] == 1
    prices.write_bytes(b"half")
    assert look(lambda: prices.write_bytes(b"half of"), lambda: prices.write_bytes(b"half of it")) == {}
    prices.write_bytes(b"whole again")
    assert look()["price_list_share"] == 1


def test_a_file_counts_as_gone_when_two_looks_miss_it(look: Looks, share: Path) -> None:
    prices = share / "prices/Prices.xlsx"
    prices.write_bytes(b"whole")
    look()
    prices.rename(share / "prices/~Prices.xlsx")  # as Excel does while it saves
    assert look(lambda: (share / "prices/~Prices.xlsx").rename(prices)) == {}
    assert look() == {}
    prices.unlink()
    assert look() == {"price_list_share": 0}
