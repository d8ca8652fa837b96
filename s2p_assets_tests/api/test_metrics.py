"""What `/metrics` exports is what is declared, is kept to those who may see it, and is shown by the health page."""

import json
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from s2p_assets.api.exposition import route_of
from s2p_assets.api.system_page import router
from s2p_assets.services import access
from s2p_assets.services.metrics.alerts import ALERTS, LABELS, Alert, metrics_in, raised
from s2p_assets.services.metrics.declared import EXPORTED
from s2p_assets.services.metrics.measured import Measurement, errors_in, measure_installation
from s2p_assets_tests.api.served import Served

ONLY_WHERE_SET = {"s2p_backup_timestamp_seconds", "s2p_backup_wanted_seconds", "s2p_drill_timestamp_seconds"}
ONLY_WHERE_SET |= {"s2p_drill_wanted_seconds", "s2p_daemon_heartbeat_timestamp_seconds", "s2p_files_late"}
ONLY_WHERE_SET |= {one.name for one in EXPORTED if one.section in ("Streams", "Files elsewhere")}
ONLY_WHERE_SET |= {"s2p_model_error", "s2p_model_error_bound", "s2p_messages"}


def scraped(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_every_declared_figure_is_exported_with_its_labels_and_no_other(door: Served) -> None:
    text = door.client(None).get("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    ours = {name for name in families if name.startswith("s2p_")}
    assert ours == {metric.name.removesuffix("_total") for metric in EXPORTED}
    for metric in EXPORTED:
        samples = families[metric.name.removesuffix("_total")].samples
        assert samples or metric.name in ONLY_WHERE_SET, metric.name
        for one in samples:
            assert set(one.labels) - {"le"} == set(metric.labels), metric.name


def test_the_figures_are_those_of_the_ledger(door: Served) -> None:
    known = scraped(door.client(None).get("/metrics").text)
    files = [value for (name, _), value in known.items() if name == "s2p_files"]
    with door.ctx.warehouse.connect() as connection:
        (count,) = connection.execute("select count(*) from s2p.files where status = 'current'").fetchone() or (0,)
        (rows,) = connection.execute(
            "select sum(rows_accepted) from s2p.files where is_loaded and workbook = 'acme_till'"
        ).fetchone() or (0,)
    assert sum(files) == count
    assert known["s2p_rows_loaded", (("workbook", "acme_till"),)] == rows == 80
    assert all(value == 1 for (name, _), value in known.items() if name == "s2p_measured")


def test_nobody_from_elsewhere_reads_them_and_who_runs_here_may(door: Served) -> None:
    here = door.client(None)
    assert here.get("/metrics").status_code == 200
    for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
        assert here.get("/metrics", headers={header: "192.0.2.1"}).status_code == 401, header
    assert door.client("viewer").get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 200


def test_figures_of_what_is_kept_to_a_group_are_not_there_for_others(door: Served) -> None:
    access.keep_to_groups(door.ctx, "acme_till", ["sales"])
    try:
        assert 'workbook="acme_till"' not in door.client("viewer").get("/metrics").text
        assert 'workbook="acme_till"' in door.client("engineer").get("/metrics").text
    finally:
        access.keep_to_groups(door.ctx, "acme_till", [])


def test_an_answer_is_timed_by_its_route_whatever_strangers_ask(door: Served) -> None:
    client = door.client("viewer")
    for path in ("/api/v1/tables/acme_till", "/nothing/of/the/kind", "/login"):
        client.get(path)
    text = client.get("/metrics").text
    routes = set(re.findall(r's2p_http_request_seconds_count\{.*route="([^"]*)"', text))
    assert "/api/v1/tables/{name}" in routes
    assert not [route for route in routes if "nothing" in route]
    assert route_of({"type": "http", "path": "/dagster/runs/1"}) == "/dagster"


def test_the_health_page_is_for_engineers_and_shows_the_same(door: Served) -> None:
    assert door.client("editor").get("/system").status_code == 403
    page = door.client("engineer").get("/system")
    assert page.status_code == 200
    assert "acme till" in page.text
    for section in ("Files", "Runs", "Room and backups"):
        assert f"<h2>{section}</h2>" in page.text


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_is_about_what_is_exported_and_is_raised_beyond_its_limit(alert: Alert) -> None:
    assert metrics_in(alert.expression) <= set(LABELS)
    labels = tuple(alert.only.get(name, "x") for name in LABELS[alert.metric])
    limit = 100.0 if isinstance(alert.limit, str) else alert.limit
    known = [Measurement(str(alert.limit), labels, limit)] if isinstance(alert.limit, str) else []
    step = {"above": 1.0, "below": -1.0, "older": -limit - 1}[alert.comparison]
    beyond = Measurement(alert.metric, labels, step if alert.comparison == "older" else limit + step)
    within = Measurement(alert.metric, labels, 0.0 if alert.comparison == "older" else limit)
    assert alert.name in {one.alert.name for one in raised([*known, beyond], now=0.0)}
    assert alert.name not in {one.alert.name for one in raised([*known, within], now=0.0)}


def test_a_group_that_cannot_be_measured_is_named_and_the_others_are_told(door: Served) -> None:
    away = door.ctx.settings.share.rename(door.ctx.settings.share.with_name("taken away"))
    try:
        measured = {one.labels[0]: one.value for one in measure_installation(door.ctx) if one.metric == "s2p_measured"}
    finally:
        away.rename(door.ctx.settings.share)
    assert measured.pop("share") == 0.0
    assert set(measured.values()) == {1.0}


def test_a_run_names_the_files_that_it_is_about_and_scores_are_numbers(door: Served) -> None:
    with door.ctx.warehouse.connect() as connection:
        told = connection.execute("select value from dagster.run_tags where key = 's2p/files'").fetchall()
        made = connection.execute(
            "select event from dagster.event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'"
            " and asset_key like '%shop_mean%'"
        ).fetchall()
    assert any("Till.xlsx" in value for (value,) in told)
    assert all(re.search(r'"label": "loss"|"loss": {', event) and "FloatMetadata" in event for (event,) in made)
    assert made


def test_a_models_error_and_its_bound_are_read_from_its_check() -> None:
    kept = {"acme_shop_champion: error": {"__class__": "FloatMetadataEntryData", "value": 0.25}}
    kept |= {"acme_shop_champion: highest error": {"value": 0.5}, "shop_mean": {"text": "within"}}
    said = json.dumps({"dagster_event": {"event_specific_data": {"metadata": kept}}})
    assert [(one.metric, one.labels, one.value) for one in errors_in(said)] == [
        ("s2p_model_error", ("acme_shop_champion",), 0.25),
        ("s2p_model_error_bound", ("acme_shop_champion",), 0.5),
    ]
    assert list(errors_in("no JSON")) == []


def test_the_page_has_two_routes_of_its_own() -> None:
    assert {route.path for route in router.routes} == {"/metrics", "/system"}  # type: ignore[attr-defined]
