"""Writing into MLflow's tracking store and model registry: runs, versions, aliases, tags.

Reading them back is for `mlflow_tables.py`, which does without MLflow: importing it takes three CPU seconds.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from s2p_assets.contracts.errors import MendableError

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

    from s2p_assets.learning.versions import ModelVersion

SCHEMA = "mlflow"
AT_ONCE = 100
NOT_MEASURES = {"fold", "entities", "cases"}


class RegistryUnreachable(MendableError):
    """MLflow could not read or write its tables; one line with the reason and what to do."""


def store_address(url: str, incarnation: str = "s2p") -> str:
    """MLflow's store in the PostgreSQL at `url`, as SQLAlchemy and `mlflow server --backend-store-uri` take it.

    `incarnation` tells stores apart that had the same address one after the other; MLflow keeps them by address.
    """
    _, _, rest = url.partition("://")
    joint = "&" if "?" in rest else "?"
    return (
        f"postgresql+psycopg2://{rest}{joint}application_name={incarnation}&options={quote(f'-csearch_path={SCHEMA}')}"
    )


class MlflowWriter:
    """What is written of one contest. The caller sees to it that nobody else writes of it at the same time."""

    def __init__(self, address: str, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.client = _client(address)

    def begin(self, made: ModelVersion, tags: Mapping[str, str]) -> str:
        """A run for this version with its parameters and metrics; its id."""
        from mlflow.entities import Metric, Param

        at = int(made.trained_at.timestamp() * 1000)
        run = self.client.create_run(self._experiment(), start_time=at, tags=dict(tags), run_name=made.name)
        run_id = str(run.info.run_id)
        parameters = {**made.parameters, **{f"task.{name}": value for name, value in vars(made.task).items()}}
        params = [Param(name, str(value)) for name, value in parameters.items()]
        metrics = [Metric(key, value, at, step) for key, value, step in scores_as_metrics(made.scores)]
        metrics.append(Metric("loss", made.loss, at, 0))
        for start in range(0, max(len(params), len(metrics)), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            self.client.log_batch(run_id, metrics=metrics[some], params=params[some])
        return run_id

    def store_files(self, run_id: str, folder: Path) -> None:
        """Put the files in `folder` beside the run, in place of any that are there."""
        shutil.rmtree(self.folder / self.name / run_id, ignore_errors=True)
        self.client.log_artifacts(run_id, str(folder))

    def register(self, run_id: str, tags: Mapping[str, str], description: str) -> int:
        """End the run and make a version of it; its number. From here on it is there for readers."""
        self.client.set_terminated(run_id)
        run = self.client.get_run(run_id)
        source = str(run.info.artifact_uri)
        made = self.client.create_model_version(self.name, source, run_id, tags=dict(tags), description=description)
        return int(made.version)

    def set_alias(self, alias: str, number: int | None) -> None:
        """Let an alias name this version, or none."""
        if number is None:
            self.client.delete_registered_model_alias(self.name, alias)
        else:
            self.client.set_registered_model_alias(self.name, alias, str(number))

    def tag_contest(self, key: str, value: str | None) -> None:
        """Tag the contest, or take a tag away."""
        if value is None:
            self.client.delete_registered_model_tag(self.name, key)
        else:
            self.client.set_registered_model_tag(self.name, key, value)

    def tag_version(self, number: int, key: str, value: str) -> None:
        self.client.set_model_version_tag(self.name, str(number), key, value)

    def _experiment(self) -> str:
        """The contest's experiment and registered model, made when they are not there; ends what was killed in it."""
        from mlflow.exceptions import MlflowException

        place = (self.folder / self.name).absolute().as_uri()
        found = self.client.get_experiment_by_name(self.name)
        experiment = found.experiment_id if found else self.client.create_experiment(self.name, place)
        try:
            self.client.create_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        for left in self.client.search_runs([experiment], "attributes.status = 'RUNNING'"):
            self.client.set_terminated(left.info.run_id, "KILLED")
            shutil.rmtree(self.folder / self.name / left.info.run_id, ignore_errors=True)
        return str(experiment)


def scores_as_metrics(scores: pd.DataFrame) -> Iterator[tuple[str, float, int]]:
    """(metric, value, fold) for every figure in `scores`: `rmsse` over all, `rmsse/lumpy` per class."""
    import pandas as pd

    columns = [name for name in scores.select_dtypes("number").columns if name not in NOT_MEASURES]
    for row in scores.to_dict("records"):
        group = "" if row["series"] == "all" else f"/{row['series']}"
        for name in columns:
            if pd.notna(row[name]):
                yield f"{name}{group}", float(row[name]), int(row["fold"])


def _client(address: str) -> MlflowClient:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=address, registry_uri=address)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """MLflow's and SQLAlchemy's errors as RegistryUnreachable."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("mlflow", "sqlalchemy"):
            raise
        first: Any = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RegistryUnreachable(
            f"the model registry (MLflow, schema {SCHEMA} of s2p's PostgreSQL) cannot be used: {first}; nothing "
            "half-done is in service; see that PostgreSQL runs and lets s2p write, then run again"
        ) from error
