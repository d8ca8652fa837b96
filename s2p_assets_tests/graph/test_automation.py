"""What the automation conditions promise, evaluated by Dagster itself on a graph of the real shape."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pytest

from s2p_assets.graph import automation
from s2p_assets.graph.executor import MADE_OF_ITS_INPUTS, PAST_WHAT_IS_MADE, in_order_of_urgency
from s2p_assets.graph.running.one_run import PassResult, progress_logger, run_assets


@dataclass
class World:
    """What the assets of the little graph do when they run, and what happened so far."""

    content: dict[str, str] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    checks: dict[str, bool] = field(default_factory=lambda: {"gate": True, "signal": True})
    champion_holds: bool = True
    made: list[str] = field(default_factory=list)


class Ticks:
    """A daemon's life: look, evaluate, run what is requested."""

    def __init__(self, world: World, instance: dg.DagsterInstance) -> None:
        self.world, self.instance = world, instance
        self.cursor: object = None
        self.define()

    def define(self) -> None:
        """The graph with the code as it now is."""
        executor, loggers = (
            in_order_of_urgency(lambda _: False),
            {"console": progress_logger(lambda _: None, PassResult())},
        )
        self.defs = dg.Definitions(assets=list(_graph(self.world)), executor=executor, loggers=loggers)

    def deliver(self, version: str) -> None:
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization("share", tags={"dagster/data_version": version})
        )

    def tick(self) -> set[str]:
        result = dg.evaluate_automation_conditions(self.defs, self.instance, cursor=self.cursor)  # type: ignore[arg-type]
        self.cursor = result.cursor
        graph = self.defs.resolve_asset_graph()
        return {key.to_user_string() for key in graph.get_all_asset_keys() if result.get_num_requested(key)}

    def run(self, names: set[str], tags: Mapping[str, str] | None = None) -> bool:
        """As a person asks for it, or with the `tags` of what the conditions ask for."""
        keys, result = {dg.AssetKey(name) for name in names}, PassResult()
        run_assets(self.defs, self.instance, keys, result, tags or {})
        return not result.failures

    def settle(self) -> list[set[str]]:
        """Tick and run until nothing is requested; the waves of requests."""
        waves = []
        for _ in range(12):
            requested = self.tick()
            if requested:
                waves.append(requested)
                self.run(requested, PAST_WHAT_IS_MADE)
            elif waves and not self.tick():
                return waves
            elif not waves and not self.tick():
                return []
        raise AssertionError(f"never settles: {waves}")


def _graph(world: World) -> Iterator[dg.AssetsDefinition | dg.AssetSpec]:
    def made(
        name: str, deps: list[str], condition: dg.AutomationCondition[dg.AssetKey], **options: Any
    ) -> dg.AssetsDefinition:
        specs = options.pop("check_specs", None)

        @dg.asset(
            name=name,
            deps=deps,
            automation_condition=condition,
            check_specs=specs,
            code_version=world.code.get(name, "1"),
            op_tags=MADE_OF_ITS_INPUTS if name in ("products", "features", "champion", "report") else None,
            **options,
        )
        def asset() -> Iterator[object]:
            world.made.append(name)
            if name in world.failing:
                raise dg.Failure(f"{name} fails", allow_retries=False)
            yield dg.MaterializeResult(data_version=dg.DataVersion(world.content.get(name, "0")))
            for spec in specs or ():
                yield dg.AssetCheckResult(
                    check_name=spec.name,
                    passed=world.champion_holds if spec.name == "champion_holds" else world.checks[spec.name],
                    severity=_severity(spec),
                )

        return asset

    yield dg.AssetSpec("share")
    yield made("sheet", ["share"], automation.on_share_change(dg.AssetKey("share")))
    yield made("table", ["sheet"], automation.with_its_sheet(), tags=automation.WORKBOOK_TAG)
    yield made("products", ["table"], automation.on_source_change())
    yield made(
        "features",
        ["products"],
        automation.on_source_change(),
        check_specs=[
            dg.AssetCheckSpec("gate", asset="features", blocking=True),
            dg.AssetCheckSpec("signal", asset="features"),
        ],
    )
    yield made("model", ["features"], automation.on_retraining_signal())
    yield made(
        "champion",
        ["model", "features"],
        automation.on_source_change(),
        check_specs=[dg.AssetCheckSpec("champion_holds", asset="champion")],
    )
    yield made("report", ["champion", "products"], automation.on_source_change())


def _severity(spec: dg.AssetCheckSpec) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if spec.blocking else dg.AssetCheckSeverity.WARN


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ticks(world: World) -> Iterator[Ticks]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Ticks(world, instance)


def delivered(world: World, ticks: Ticks, version: str, content: Mapping[str, str]) -> list[set[str]]:
    world.content.update(content)
    ticks.deliver(version)
    return ticks.settle()


def new_content(version: str) -> dict[str, str]:
    return dict.fromkeys(("sheet", "table", "products", "features"), version)


@pytest.fixture
def standing(world: World, ticks: Ticks) -> Ticks:
    """A graph in which everything has been made once."""
    delivered(world, ticks, "1", new_content("1"))
    assert {"sheet", "table", "products", "features", "model", "champion", "report"} <= set(world.made)
    world.made.clear()
    return ticks


def test_a_first_delivery_reaches_the_report(world: World, ticks: Ticks) -> None:
    ticks.tick()
    delivered(world, ticks, "1", new_content("1"))
    assert sorted(world.made) == sorted(["sheet", "table", "products", "features", "model", "champion", "report"])


def test_a_touched_file_stops_at_its_table(world: World, standing: Ticks) -> None:
    delivered(world, standing, "2", {})
    assert world.made == ["sheet", "table"]


def test_changed_content_goes_to_the_report_in_one_run_without_training(world: World, standing: Ticks) -> None:
    waves = delivered(world, standing, "2", new_content("2"))
    assert waves == [{"sheet", "table", "products", "features", "champion", "report"}]
    assert world.made == ["sheet", "table", "products", "features", "champion", "report"]


def test_what_was_passed_over_holds_nothing_up_later(world: World, standing: Ticks) -> None:
    delivered(world, standing, "2", {})
    world.made.clear()
    waves = delivered(world, standing, "3", new_content("3"))
    assert waves == [{"sheet", "table", "products", "features", "champion", "report"}]
    world.made.clear()
    delivered(world, standing, "4", {})
    world.checks["signal"] = False
    waves = delivered(world, standing, "5", new_content("5"))
    assert "model" in {name for wave in waves for name in wave}


def test_what_failed_its_blocking_check_is_made_again_though_nothing_changed(world: World, standing: Ticks) -> None:
    world.checks["gate"] = False
    delivered(world, standing, "2", new_content("2"))
    assert "champion" not in world.made
    world.made.clear()
    delivered(world, standing, "3", new_content("2"))
    assert "features" in world.made
    assert "champion" not in world.made


def test_what_a_person_asks_for_is_made_though_nothing_changed(world: World, standing: Ticks) -> None:
    standing.run({"products"})
    assert world.made == ["products"]


def test_content_that_changes_nothing_below_stops_there(world: World, standing: Ticks) -> None:
    delivered(world, standing, "2", {"sheet": "2", "table": "2"})
    assert "model" not in world.made


def test_an_unchanged_rematerialization_retrains_nothing(world: World, standing: Ticks) -> None:
    world.checks["signal"] = False
    standing.run({"features"})
    assert "model" not in {name for wave in standing.settle() for name in wave}


def test_changed_features_retrain_only_when_a_signal_asks(world: World, standing: Ticks) -> None:
    delivered(world, standing, "2", new_content("2"))
    assert "model" not in world.made
    world.checks["signal"] = False
    delivered(world, standing, "3", new_content("3"))
    assert world.made.count("model") == 1


def test_a_signal_that_comes_later_still_retrains_on_new_content(world: World, standing: Ticks) -> None:
    delivered(world, standing, "2", new_content("2"))
    assert "model" not in world.made
    world.checks["signal"] = False
    standing.run({"features"})
    standing.settle()
    assert world.made.count("model") == 1


def test_a_failed_blocking_check_holds_training_back_until_it_passes(world: World, standing: Ticks) -> None:
    world.checks.update(gate=False, signal=False)
    delivered(world, standing, "2", new_content("2"))
    assert "model" not in world.made
    world.checks["gate"] = True
    standing.run({"features"})
    standing.settle()
    assert world.made.count("model") == 1


def test_a_failed_training_is_tried_once_more_and_no_more(world: World, standing: Ticks) -> None:
    world.checks["signal"] = False
    world.failing.add("model")
    delivered(world, standing, "2", new_content("2"))
    assert world.made.count("model") == 2


def test_a_change_that_lands_in_mid_training_is_not_lost(world: World, standing: Ticks) -> None:
    world.checks["signal"] = False
    world.content.update(new_content("2"))
    standing.deliver("2")
    while "model" not in (requested := standing.tick()):
        standing.run(requested)
    world.content.update(new_content("3"))
    standing.run({"features"})
    standing.run(requested)
    standing.settle()
    assert world.made.count("model") == 2


def test_new_code_of_a_table_makes_it_again(world: World, standing: Ticks) -> None:
    world.code["products"] = "2"
    standing.define()
    assert {"products", "features", "champion", "report"} in standing.settle()


def test_new_code_of_a_model_waits_for_a_signal(world: World, standing: Ticks) -> None:
    world.code["model"] = "2"
    standing.define()
    assert standing.settle() == []
    world.checks["signal"] = False
    standing.run({"features"})
    assert any("model" in wave for wave in standing.settle())


def test_the_same_content_made_again_trains_nothing_even_while_a_signal_asks(world: World, standing: Ticks) -> None:
    world.checks["signal"] = False
    delivered(world, standing, "2", new_content("2"))
    assert world.made.count("model") == 1
    for version in ("3", "4"):
        delivered(world, standing, version, {})
    standing.run({"products", "features"})
    standing.settle()
    assert world.made.count("model") == 1


def test_a_person_s_word_on_the_champion_reaches_the_report_and_trains_nothing(world: World, standing: Ticks) -> None:
    world.content["champion"] = "set by a person"
    standing.run({"champion"})
    waves = standing.settle()
    assert waves == [{"report"}]


def test_a_champion_that_fails_its_checks_asks_for_no_training(world: World, standing: Ticks) -> None:
    world.content["champion"] = "another"
    world.champion_holds = False
    standing.run({"champion"})
    standing.settle()
    assert "model" not in world.made
    assert world.made.count("report") == 1
