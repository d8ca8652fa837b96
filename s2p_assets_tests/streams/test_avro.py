"""Avro with a schema registry, from a broker that speaks TLS and asks for a password: what the settings say is used."""

import datetime as dt
import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from s2p_assets.services.streams.telling import returned_of, streams_status
from s2p_assets_tests.streams.acme import SHELF, SHOP, TOPIC, Acme, acme_home, reading, until
from s2p_assets_tests.streams.broker import Broker
from s2p_assets_tests.streams.guarded import PASSWORD, USER, SchemaRegistry, guarded_broker, schema_registry

pytestmark = pytest.mark.long
ITEM = {"type": "record", "name": "Item", "fields": [{"name": "sku", "type": "string"}]}


def schema(price: Any, at: Any, *more: dict[str, Any]) -> dict[str, Any]:
    fields = {"order": "string", "line": "int", "item": ITEM, "qty": "long", "price": price, "at": at}
    return {
        "type": "record",
        "name": "Sale",
        "fields": [*({"name": name, "type": kind} for name, kind in fields.items()), *more],
    }


FIRST = schema("double", "string")
EXACT = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
LATER = schema(EXACT, {"type": "long", "logicalType": "timestamp-millis"}, {"name": "channel", "type": "string"})
RENAMED = {
    **FIRST,
    "fields": [one | ({"name": "pieces"} if one["name"] == "qty" else {}) for one in FIRST["fields"]],
}


def written(number: int, named: dict[str, Any], said: dict[str, Any]) -> bytes:
    """An event as programs with a registry write it."""
    import fastavro

    body = io.BytesIO()
    fastavro.schemaless_writer(body, named, said)
    return b"\0" + number.to_bytes(4, "big") + body.getvalue()


def sold(line: int, **other: Any) -> dict[str, Any]:
    return {
        "order": "A1",
        "line": line,
        "item": {"sku": "0007"},
        "qty": 2,
        "price": 9.5,
        "at": "2026-11-20T10:00:00Z",
    } | other


@pytest.fixture(scope="module")
def broker(folder: Path) -> Iterator[Broker]:
    with guarded_broker(folder) as running:
        running.topic(TOPIC)
        yield running


@pytest.fixture(scope="module")
def registry() -> Iterator[SchemaRegistry]:
    with schema_registry() as running:
        yield running


@pytest.fixture(scope="module")
def acme(folder: Path, broker: Broker, registry: SchemaRegistry) -> Iterator[Acme]:
    (folder / "password").write_text(f"{PASSWORD}\n")
    shelf = {"acme_shop.py": SHELF["acme_shop.py"].replace(f'Kafka("{TOPIC}")', f'Kafka("{TOPIC}", format="avro")')}
    login = {"kafka_security": "tls", "kafka_sasl": "PLAIN", "kafka_user": USER}
    login |= {"kafka_password_file": folder / "password", "kafka_ca_file": broker.client["ssl.ca.location"]}
    known = {"schema_registry": registry.url, "schema_registry_user": USER, "schema_registry_password": PASSWORD}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("s2p_assets_tests.streams.acme.SHELF", shelf)
        with acme_home(folder, patch, kafka=broker.address, **login, **known) as home:
            yield home


def test_events_of_a_registry_are_rows_and_a_schema_that_changed_under_way_is_an_outcome_of_its_own(
    acme: Acme, broker: Broker, registry: SchemaRegistry
) -> None:
    registry.schemas |= {1: FIRST, 2: LATER, 3: RENAMED}
    at = dt.datetime(2026, 11, 20, 10, 0, tzinfo=dt.UTC)
    later = sold(2, price=Decimal("9.75"), at=at, channel="app")
    with reading(acme):
        events = [written(1, FIRST, sold(1)), written(2, LATER, later), written(9, FIRST, sold(3))]
        renamed = {"pieces" if name == "qty" else name: value for name, value in sold(4).items()}
        events += [written(3, RENAMED, renamed), b'{"order": 1}', b"\0\0\0\0\1\xff", written(1, FIRST, sold(5))]
        broker.send(TOPIC, events, 1)
        until(lambda: len(acme.rows(SHOP)) == 3, "three rows")
        until(lambda: len(returned_of(acme.ctx, SHOP)) == 4, "four came back")
        registry.is_away = True
        registry.schemas[4] = FIRST
        broker.send(TOPIC, [written(4, FIRST, sold(6))], 1)
        until(lambda: "the schema registry at" in (acme.reader_problem() or ""), "the registry is waited for")
        registry.is_away = False
        until(lambda: len(acme.rows(SHOP)) == 4, "reading goes on")
    assert acme.rows(SHOP, "line, price, sold_at::text") == [
        *((1, Decimal("9.5"), local(at)), (2, Decimal("9.75"), local(at))),
        *((5, Decimal("9.5"), local(at)), (6, Decimal("9.5"), local(at))),
    ]
    said = [one["findings"][0]["message"] for one in returned_of(acme.ctx, SHOP)]
    assert said[0] == "the schema registry knows no schema 9, which the event names"
    assert "'Quantity' is missing" in said[1]
    assert said[2].startswith("the event does not name its Avro schema")
    assert said[3].startswith("the event is not written by its Avro schema")
    (status,) = streams_status(acme.ctx)
    assert (status["events"], status["rows"], status["returned"]) == (8, 4, 4)
    assert {one for one in ("channel", "pieces") if any(one in says for says in status["notices"])} == {
        "channel",
        "pieces",
    }
    assert registry.asked.count(1) == 1, "a schema is asked for once"


def local(moment: dt.datetime) -> str:
    """As the company's clock shows it."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def test_a_password_that_is_refused_is_named_in_status(acme: Acme, broker: Broker, registry: SchemaRegistry) -> None:
    known = acme.rows(SHOP)
    secret = acme.ctx.settings.kafka_password_file
    assert secret is not None
    secret.write_text("wrong")
    with reading(acme):
        until(lambda: "no such user, or another password" in (acme.reader_problem() or ""), "it is said")
    secret.write_text(PASSWORD)
    registry.schemas[1] = FIRST
    broker.send(TOPIC, [written(1, FIRST, sold(7))], 1)
    with reading(acme):
        until(lambda: len(acme.rows(SHOP)) == len(known) + 1, "reading goes on where it ended")
