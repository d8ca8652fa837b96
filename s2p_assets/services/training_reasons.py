"""Why a model is trained, found out when it is: what asked, how much is new, and the files that brought it.

Keeping it is the registry's work, telling it is for `why`.
"""

import datetime as dt

import pandas as pd

from s2p_assets.catalog.catalog import key_of
from s2p_assets.contracts.model import Model
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.learning.forecasting.series import with_target
from s2p_assets.learning.learned_targets import StoredHistory
from s2p_assets.learning.row_hashes import count_new_rows
from s2p_assets.learning.training_reason import LoadedSource, TrainingReason
from s2p_assets.services.context import Context
from s2p_assets.warehouse.files.newly_loaded import newly_loaded

SOURCES_KEPT = 200


def training_reason(
    ctx: Context, model: Model, history: pd.DataFrame, signals: dict[str, str], features_at: dt.datetime | None
) -> TrainingReason:
    """What makes this model's next version, against the version before it.

    `signals`: the checks on its features that asked, with their figures. `features_at`: when these were made.
    """
    catalog, registry = ctx.catalog, ctx.registry
    contest = catalog.contest_of(model)
    features, learned = catalog.inputs_of(model)["history"], with_target(history, contest.task)
    before = registry.state(contest.domain, contest.name).find(model.name)
    stored = StoredHistory(history, contest.task)
    known = registry.learned_from(contest.domain, contest.name, before) if before else None
    cause = registry.reason(contest.domain, contest.name, before) if before else None
    under = [catalog.by_key[key] for key in catalog.upstream(features)]
    workbooks = [declared.full_name for declared in under if isinstance(declared, Workbook)]
    since = dt.datetime.fromisoformat(cause.features_at) if cause and cause.features_at else None
    with ctx.warehouse.reading() as connection:
        loaded, count = newly_loaded(connection, workbooks, since, SOURCES_KEPT)
    return TrainingReason(
        since=before.version if before else None,
        signals=signals if before else {},
        rows=len(learned),
        changed=len(learned) if known is None else count_new_rows(stored.hashes, known),
        withdrawn=registry.count_withdrawn(contest.domain, contest.name, before, stored) if before else 0,
        features=str(features),
        features_at=features_at.isoformat() if features_at else "",
        tables=tuple(
            declared.full_name
            for declared in under
            if not isinstance(declared, Workbook) and key_of(declared) != features
        ),
        workbooks=tuple(workbooks),
        sources=tuple(
            LoadedSource(
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
