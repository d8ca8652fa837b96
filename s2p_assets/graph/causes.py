"""Why a model is trained, found out when it is: what asked, how much is new, and the files that brought it.

Keeping it is the registry's work, telling it is for `why`.
"""

import datetime as dt

import pandas as pd

from s2p_assets.graph.context import Context
from s2p_assets.graph.house import key_of
from s2p_assets.learning.cause import Cause, Source
from s2p_assets.learning.change import fingerprint, rows_not_in
from s2p_assets.learning.forecasting.series import told
from s2p_assets.learning.model import Model
from s2p_assets.spreadsheet.contract import Workbook
from s2p_assets.warehouse.newly_loaded import newly_loaded

SOURCES_KEPT = 200


def cause_of(
    ctx: Context, model: Model, history: pd.DataFrame, signals: dict[str, str], features_at: dt.datetime | None
) -> Cause:
    """What makes this model's next version, against the version before it.

    `signals`: the checks on its features that asked, with their figures. `features_at`: when these were made.
    """
    house, registry = ctx.house, ctx.registry
    contest = house.contest_of(model)
    features, learned = house.inputs_of(model)["history"], told(history, contest.problem)
    before = registry.standing(contest.domain, contest.thing).find(model.thing)
    known = registry.learned_from(contest.domain, contest.thing, before) if before else None
    cause = registry.cause(contest.domain, contest.thing, before) if before else None
    under = [house.by_key[key] for key in house.under(features)]
    workbooks = [declared.name for declared in under if isinstance(declared, Workbook)]
    since = dt.datetime.fromisoformat(cause.features_at) if cause and cause.features_at else None
    with ctx.warehouse.connect() as connection:
        loaded, count = newly_loaded(connection, workbooks, since, SOURCES_KEPT)
    return Cause(
        since=before.version if before else None,
        signals=signals if before else {},
        rows=len(learned),
        changed=len(learned) if known is None else rows_not_in(fingerprint(learned), known),
        features=str(features),
        features_at=features_at.isoformat() if features_at else "",
        tables=tuple(
            declared.name for declared in under if not isinstance(declared, Workbook) and key_of(declared) != features
        ),
        workbooks=tuple(workbooks),
        sources=tuple(
            Source(
                workbook=file.workbook,
                path=file.path,
                sha256=file.sha256,
                loaded_at=file.loaded_at.isoformat(timespec="seconds"),
                rows=file.rows,
                before=file.before,
                run_id=file.run_id,
            )
            for file in loaded
        ),
        loaded=count,
    )
