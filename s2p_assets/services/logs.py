"""The log of `s2p up`: a line for every file and fault, for people or as JSON, without the noise of libraries.

What happened is told in messages and reports; this is for those who watch a server's log.
"""

import datetime as dt
import json
import logging
import sys
from typing import Any, Literal, TextIO

LOG = "s2p"
PLAIN = ("event", "level", "at")


def log_event(event: str, says: str, *, level: int = logging.INFO, **facts: Any) -> None:
    """Write one line, where `start_log` was called in this process; `facts` stand in the JSON alone.

    Secrets are never among them: what is logged is named here, one by one.
    """
    logger = logging.getLogger(LOG)
    if logger.isEnabledFor(level):
        logger.log(level, says, extra={"s2p_event": event, "s2p_facts": facts})


def start_log(form: Literal["text", "json"], stream: TextIO | None = None) -> None:
    """Let this process log to `stream`, by default what is its standard error now."""
    logger = logging.getLogger(LOG)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text("%(message)s"))
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _moment(record: logging.LogRecord) -> dt.datetime:
    return dt.datetime.fromtimestamp(record.created).astimezone()


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        says = " ".join(super().format(record).split())
        return f"{_moment(record):%Y-%m-%d %H:%M:%S} {level}{says}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = {name: value for name, value in getattr(record, "s2p_facts", {}).items() if name not in PLAIN}
        line = {
            "at": _moment(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": getattr(record, "s2p_event", "log"),
            "says": record.getMessage(),
        } | facts
        return json.dumps(line, ensure_ascii=False, default=str)
