"""The sensor that tells people what happened, every minute beside the servers, and gives a sign of life outside.

It runs in the code server, from the daemon's clock and over the database: when one of them is down, so is the sign.
"""

import datetime as dt
import time

import dagster as dg

from s2p_assets.graph.run_matters import run_matters
from s2p_assets.messaging.delivery import shown_counts
from s2p_assets.services.backup_schedule import begin_due_backup, begin_due_drill
from s2p_assets.services.context import Context
from s2p_assets.services.messages.sending import send_messages, sign_of_life

LOOK_SECONDS, SOONEST_SECONDS = 60, 10
"""Between two looks; and where messages are to be collected over less than a minute."""


def message_sensor(ctx: Context) -> dg.SensorDefinition:
    """Sends messages and begins backups and exports when they are due; its tick says how many, and what not."""
    prompt = ctx.settings.message_minutes * 60 < LOOK_SECONDS

    @dg.sensor(
        name="messages",
        description="Tells owners and engineers what concerns them, once; and an address outside that all is running.",
        minimum_interval_seconds=SOONEST_SECONDS if prompt else LOOK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        target=None,
    )
    def messages(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = dt.datetime.now(dt.UTC)
        if not begin_due_backup(ctx.settings, now):
            begin_due_drill(ctx.settings, now)
        if ctx.settings.lakehouse:
            from s2p_assets.services.lakehouse_schedule import begin_due_export  # pandas

            begin_due_export(ctx, now)
        done = send_messages(ctx, run_matters(ctx, context.instance))
        for problem in done.problems:
            context.log.warning(problem)
        last = float(context.cursor or 0)
        if time.time() - last >= ctx.settings.heartbeat_minutes * 60 and not done.problems:
            if kept_from_arriving := sign_of_life(ctx.settings):
                context.log.warning(kept_from_arriving)
            last = time.time()
        return dg.SensorResult(skip_reason=shown_counts(done.counts), cursor=str(last))

    return messages
