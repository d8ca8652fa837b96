/*
description: >
  Of all starts of the year before each race day, the share that did not finish. One row per race day.
owner: race-office@example.com
key: race_day
columns:
  race_day: {type: Date, description: The day of the race}
  recent_failures: {type: Percent, description: Of the starts those not finished, nullable: true, in_range: [0, 1]}
*/
with days as (
    select race_day, sum(did_not_finish::int::float8) as failures, count(did_not_finish) as starts
    from stg_starts
    group by race_day
)
select
    race_day,
    sum(failures) over last_year / nullif(sum(starts) over last_year, 0)::float8 as recent_failures
from days
window last_year as (order by race_day range between interval '365 days' preceding and interval '1 day' preceding)
