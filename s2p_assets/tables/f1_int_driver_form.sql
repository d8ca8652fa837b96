/*
description: >
  The form of each driver before each race: of the last 8 and 20 races before that day, and of all at the same track.
  One row per driver and race.
owner: race-office@example.com
key: [driver_id, race_day]
columns:
  driver_id: {type: Code, description: The driver}
  race_day: {type: Date, description: The day of the race}
  races: {type: Integer, description: Races that the driver had started, ge: 0}
  place_8: {type: Number, description: "Mean place where classified, last 8 races", nullable: true}
  grid_8: {type: Number, description: "Mean place on the grid, last 8 races", nullable: true}
  top_ten_20: {type: Percent, description: "Of the last 20 races where classified, in the top ten", nullable: true}
  gain_20: {type: Number, description: "Places won from grid to end, last 20 races", nullable: true}
  failures_20: {type: Percent, description: "Of the last 20 races, those not finished", nullable: true}
  circuit_place: {type: Number, description: Mean place at this track, nullable: true}
*/
with held as (
    select *, row_number() over (partition by driver_id order by race_day) as nth
    from stg_starts
    where top_ten is not null
),
entries as (
    select
        driver_id,
        race_day,
        count(top_ten) over before as races,
        avg(place) over (partition by driver_id, circuit_id order by race_day
            range between unbounded preceding and interval '1 day' preceding) as circuit_place
    from stg_starts
    window before as (partition by driver_id order by race_day
        range between unbounded preceding and interval '1 day' preceding)
)
select
    e.driver_id,
    e.race_day,
    e.races,
    avg(h.place) filter (where back <= 8) as place_8,
    avg(h.grid::float8) filter (where back <= 8) as grid_8,
    avg((h.place <= 10)::int::float8) as top_ten_20,
    avg(h.grid - h.place) as gain_20,
    avg(h.did_not_finish::int::float8) as failures_20,
    e.circuit_place
from entries e
cross join generate_series(1, 20) as back
left join held h on h.driver_id = e.driver_id and h.nth = e.races + 1 - back
group by e.driver_id, e.race_day, e.races, e.circuit_place
