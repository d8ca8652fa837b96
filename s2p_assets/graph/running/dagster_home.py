"""Dagster's own home: `dagster.yaml` and the workspace in `S2P_HOME`, and the environment of a process there.

Knows no Dagster, so that `s2p up` itself stays small.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from s2p_assets.settings import Settings

WORKSPACE = "workspace.yaml"
SLOW_MACHINE_SECONDS = 600
"""How long is waited for an answer: on a machine with twenty times the work it can do, everything comes, but late."""
START_SECONDS, STARTS_TRIED, STARTS_PAUSE_SECONDS = 3600, 100, 15
STORAGE_MODULE, STORAGE_CLASS = "s2p_assets.graph.running.instance", "SharedPostgresStorage"

DAGSTERS_LOGS = "LocalComputeLogManager"
QUEUE_CLASS = "QueuedRunCoordinator"
STARTED_AGAIN = {
    "max_user_code_failure_retries": STARTS_TRIED,
    "user_code_failure_retry_delay": STARTS_PAUSE_SECONDS,
}
"""A run whose start nobody answered waits in the queue and is started again, for the better part of an hour."""


def patience(configured: Mapping[str, Any]) -> dict[str, Any]:
    """What servers take on top of `dagster.yaml`, which an s2p that was less patient may have written.

    What an engineer set there stands.
    """
    monitoring = {"start_timeout_seconds": START_SECONDS} | (configured.get("run_monitoring") or {})
    queue = configured.get("run_coordinator") or {}
    if queue.get("class") != QUEUE_CLASS:
        return {"run_monitoring": monitoring}
    return {
        "run_monitoring": monitoring,
        "run_coordinator": queue | {"config": STARTED_AGAIN | (queue.get("config") or {})},
    }


def _configuration(settings: Settings) -> dict[str, Any]:
    home = settings.dagster_home
    return {
        "telemetry": {"enabled": False},
        "storage": {"custom": {"module": STORAGE_MODULE, "class": STORAGE_CLASS, "config": {}}},
        "sensors": {"use_threads": True, "num_workers": 4},
        "schedules": {"use_threads": True, "num_workers": 2},
        "run_monitoring": {"enabled": True, "start_timeout_seconds": START_SECONDS},
        "run_coordinator": {
            "module": "dagster.core.run_coordinator",
            "class": QUEUE_CLASS,
            "config": {"max_concurrent_runs": 2, "dequeue_interval_seconds": 1} | STARTED_AGAIN,
        },
        "code_servers": {"local_startup_timeout": SLOW_MACHINE_SECONDS},
        "local_artifact_storage": {
            "module": "dagster._core.storage.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": str(home / "storage")},
        },
        "compute_logs": {
            "module": "dagster._core.storage.local_compute_log_manager",
            "class": DAGSTERS_LOGS,
            "config": {"base_dir": str(home / "logs")},
        },
        "nux": {"enabled": False},
    }


def prepare_home(settings: Settings) -> Path:
    """Write `dagster.yaml` and the workspace; Dagster's home. A file that an engineer changed is left as it is."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    module = {"module_name": "s2p_assets.definitions", "location_name": "s2p"}
    _write_once(home / "dagster.yaml", _configuration(settings))
    _name_this_module(home / "dagster.yaml")
    _write_once(home / WORKSPACE, {"load_from": [{"python_module": module}]})
    return home


def _write_once(file: Path, content: dict[str, Any]) -> None:
    if not file.exists():
        _write(file, yaml.safe_dump(content, sort_keys=False))


def _name_this_module(file: Path) -> None:
    """A home that an older s2p wrote names the module in which the storage lay then; nothing else is changed."""
    try:
        text = file.read_text(encoding="utf-8")
        named = {} if STORAGE_MODULE in text else yaml.safe_load(text)["storage"]["custom"]
        ours, module = named.get("class") == STORAGE_CLASS, str(named.get("module"))
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError, AttributeError):
        return  # what is wrong with it is said when Dagster reads it
    if ours and module.startswith(f"{STORAGE_MODULE.partition('.')[0]}."):
        _write(file, text.replace(module, STORAGE_MODULE))


def _write(file: Path, text: str) -> None:
    beside = file.with_suffix(f".{os.getpid()}.tmp")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


def environment(settings: Settings) -> dict[str, str]:
    """What a process needs in its environment to be part of this installation."""
    given = {"S2P_DATABASE_URL": settings.database_url, "S2P_KAFKA": settings.kafka}
    own = {name: value for name, value in given.items() if value}
    return own | {
        "DAGSTER_HOME": str(prepare_home(settings)),
        "S2P_HOME": str(settings.home),
        "S2P_SHARE": settings.share_setting,
        "S2P_RESULTS": str(settings.results),
        "S2P_SHELVES": ",".join(settings.shelves),
        "S2P_LOCALE": settings.locale,
        "S2P_HOST": settings.host,
        "S2P_PORT": str(settings.port),
        "S2P_DATABASE_PORT": str(settings.database_port or ""),
        "S2P_PUBLIC_URL": settings.public_url or "",
        "S2P_OPEN": "1" if settings.open else "",
        "DAGSTER_EVENT_BATCH_SIZE": "50",
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "DAGSTER_GRPC_TIMEOUT_SECONDS": str(SLOW_MACHINE_SECONDS),
        "PYTHONDONTWRITEBYTECODE": "",
    }
