/*
description: >
  The form of each team before each day on which it raced: of its last 10, 20, 40 and 60 starts before that day. One
  row per team and day.
owner: race-office@example.com
key: [constructor_id, race_day]
columns:
  constructor_id: {type: Code, description: The team}
  race_day: {type: Date, description: The day of the race}
  place_10: {type: Number, description: "Mean place where classified, last 10 starts", nullable: true}
  place_40: {type: Number, description: The same of the last 40 starts, nullable: true}
  grid_10: {type: Number, description: "Mean place on the grid, last 10 starts", nullable: true}
  top_ten_20: {type: Percent, description: "Of the last 20 starts where classified, top ten", nullable: true}
  gain_20: {type: Number, description: "Places won from grid to end, last 20 starts", nullable: true}
  failures_20: {type: Percent, description: "Of the last 20 starts, those not finished", nullable: true}
  failures_60: {type: Percent, description: "Of the last 60 starts, those not finished", nullable: true}
*/
with held as (
    select *, row_number() over (partition by constructor_id order by race_day, position_order, driver_id) as nth
    from stg_starts
    where top_ten is not null
),
days as (
    select constructor_id, race_day, sum(count(top_ten)) over (partition by constructor_id order by race_day
        rows between unbounded preceding and 1 preceding) as starts
    from stg_starts
    group by constructor_id, race_day
)
select
    d.constructor_id,
    d.race_day,
    avg(h.place) filter (where back <= 10) as place_10,
    avg(h.place) filter (where back <= 40) as place_40,
    avg(h.grid::float8) filter (where back <= 10) as grid_10,
    avg((h.place <= 10)::int::float8) filter (where back <= 20) as top_ten_20,
    avg(h.grid - h.place) filter (where back <= 20) as gain_20,
    avg(h.did_not_finish::int::float8) filter (where back <= 20) as failures_20,
    avg(h.did_not_finish::int::float8) as failures_60
from days d
cross join generate_series(1, 60) as back
left join held h on h.constructor_id = d.constructor_id and h.nth = d.starts + 1 - back
group by d.constructor_id, d.race_day
