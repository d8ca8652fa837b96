"""What the steps of a run print: kept in Dagster's home, where its UI shows it.

What a run says in Dagster's words stands in its event log.
"""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dagster._core.execution.compute_logs import redirect_to_file
from dagster._core.storage.compute_log_manager import CapturedLogContext, ComputeIOType
from dagster._core.storage.local_compute_log_manager import IO_TYPE_EXTENSION, LocalComputeLogManager
from dagster._serdes import ConfigurableClassData

COMPLETE = "complete"
"""The ending of the file by which Dagster knows that no more comes."""


class RunLogs(LocalComputeLogManager):
    """Dagster's own, which starts four processes for each run to repeat at the terminal what is printed.

    Nobody reads there what a run of the servers prints.
    """

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "RunLogs":
        return cls(inst_data=inst_data, **config_value)

    @contextlib.contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[CapturedLogContext]:
        with contextlib.ExitStack() as stack:
            for stream, kind in ((sys.stdout, ComputeIOType.STDOUT), (sys.stderr, ComputeIOType.STDERR)):
                file = Path(self.get_captured_local_path(log_key, IO_TYPE_EXTENSION[kind]))
                file.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(redirect_to_file(stream, str(file)))
            yield CapturedLogContext(log_key)
        Path(self.get_captured_local_path(log_key, COMPLETE)).touch()
