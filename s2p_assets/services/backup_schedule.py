"""When the next backup and drill are due, beginning them beside the servers, and what engineers hear of old ones.

How a backup is written is in `backup.py`.
"""

import datetime as dt

from s2p_assets.messaging.matters import Matter
from s2p_assets.services.backup import backups
from s2p_assets.services.beside import begin_beside
from s2p_assets.services.drill_record import last_drill_faults, last_good_drill
from s2p_assets.settings import Settings

OLD_AFTER = 2
"""So many times the hours between two backups the newest may be old."""
FIRST_TRY = dt.timedelta(hours=1)
LOG, DRILL_LOG = "backup.log", "drill.log"
FIRST_BEGUN = "backup.begun"
"""An empty file in the home, as old as the first try."""
FAULTS_NAMED = 5


def begin_due_backup(settings: Settings, now: dt.datetime) -> bool:
    """Begin a backup in a process of its own when the newest is old enough, and none was begun within the hour."""
    if settings.backup_to is None or not _is_due(settings, now):
        return False
    first = settings.home / FIRST_BEGUN
    if not first.exists():
        first.touch()
    return _begin(settings, now, "backup", LOG)


def begin_due_drill(settings: Settings, now: dt.datetime) -> bool:
    """Begin a drill of the newest backup likewise, where one is asked for and a backup is there."""
    if not settings.drill_hours or settings.backup_to is None:
        return False
    last = last_good_drill(settings)
    if last and now - last < dt.timedelta(hours=settings.drill_hours):
        return False
    return bool(backups(settings.backup_to)) and _begin(settings, now, "drill", DRILL_LOG)


def _begin(settings: Settings, now: dt.datetime, command: str, log_name: str) -> bool:
    log = settings.home / log_name
    if log.exists() and now.timestamp() - log.stat().st_mtime < FIRST_TRY.total_seconds():
        return False  # it is at work, or failed a moment ago
    begin_beside(settings, command, log)
    return True


def _is_due(settings: Settings, now: dt.datetime) -> bool:
    assert settings.backup_to
    newest = next(iter(backups(settings.backup_to)), None)
    return newest is None or now - newest.made_at >= dt.timedelta(hours=settings.backup_hours)


def backup_matters(settings: Settings, now: dt.datetime) -> list[Matter]:
    """A backup that is older than the settings allow; nothing where none is asked for."""
    if settings.backup_to is None:
        return []
    newest = next(iter(backups(settings.backup_to)), None)
    allowed = dt.timedelta(hours=settings.backup_hours * OLD_AFTER)
    if newest and now - newest.made_at <= allowed:
        return []
    if newest is None and not _failed(settings) and _first_begun(settings, now) > now - allowed:
        return []  # the first is about to be made
    age = f"The newest backup is of {newest.made_at:%d %B %Y, %H:%M} UTC" if newest else "There is no backup yet"
    return [
        Matter(
            "backup",
            newest.made_at.isoformat() if newest else "none",
            age,
            f"Try one by hand, s2p backup {settings.backup_to}, and do what it says.",
            (_last_line(settings),),
        )
    ]


def drill_matters(settings: Settings, now: dt.datetime) -> list[Matter]:
    """A drill that found something wrong, or none for long; nothing where none is asked for."""
    if not settings.drill_hours or settings.backup_to is None:
        return []
    faults, last = last_drill_faults(settings), last_good_drill(settings)
    allowed = dt.timedelta(hours=settings.drill_hours * OLD_AFTER)
    first_backup = min((one.made_at for one in backups(settings.backup_to)), default=now)
    if not faults and now - (last or first_backup) <= allowed:
        return []
    title = "The last backup that was tried out is not right" if faults else "No backup was tried out for long"
    return [
        Matter(
            "backup",
            f"drill:{last.isoformat() if last else 'none'}",
            title,
            "Try s2p drill by hand, and do what it says; until it is right, count on no backup.",
            tuple(faults[:FAULTS_NAMED]),
        )
    ]


def _first_begun(settings: Settings, now: dt.datetime) -> dt.datetime:
    """When the first backup was begun; now, where none was yet. One that is killed says nothing in its log."""
    try:
        return dt.datetime.fromtimestamp((settings.home / FIRST_BEGUN).stat().st_mtime, dt.UTC)
    except OSError:
        return now


def _failed(settings: Settings) -> bool:
    return "s2p:" in _last_line(settings)


def _last_line(settings: Settings) -> str:
    try:
        lines = (settings.home / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "None was begun by itself."
    return next((line for line in reversed(lines) if line.strip()), "The last one was begun, and said nothing yet.")
