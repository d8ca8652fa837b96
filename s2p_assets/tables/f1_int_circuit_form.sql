/*
description: >
  What the last 60 starts at each track came to, before each race there. One row per track and day.
owner: race-office@example.com
key: [circuit_id, race_day]
columns:
  circuit_id: {type: Code, description: The track}
  race_day: {type: Date, description: The day of the race}
  gain_60: {type: Number, description: Places won from grid to end, nullable: true}
  failures_60: {type: Percent, description: Of the starts those not finished, nullable: true}
*/
with held as (
    select *, row_number() over (partition by circuit_id order by race_day, position_order, driver_id) as nth
    from stg_starts
    where top_ten is not null
),
days as (
    select circuit_id, race_day, sum(count(top_ten)) over (partition by circuit_id order by race_day
        rows between unbounded preceding and 1 preceding) as starts
    from stg_starts
    group by circuit_id, race_day
)
select
    d.circuit_id,
    d.race_day,
    avg(h.grid - h.place) as gain_60,
    avg(h.did_not_finish::int::float8) as failures_60
from days d
cross join generate_series(1, 60) as back
left join held h on h.circuit_id = d.circuit_id and h.nth = d.starts + 1 - back
group by d.circuit_id, d.race_day
