/*
description: >
  Who started, and how it ended: one row per driver and race since 1950, from results, and for a race that is still to
  be driven from its qualifying. Clean: places and grids as numbers, failures as yes or no, with the day of the race.
owner: race-office@example.com
key: [driver_id, race_day]
columns:
  race_id: {type: Code, description: The race, references: races.race_id}
  driver_id: {type: Code, description: The driver, references: drivers.driver_id}
  constructor_id: {type: Code, description: The team, references: constructors.constructor_id}
  circuit_id: {type: Code, description: Where it is held}
  race_day: {type: Date, description: The day of the race}
  season: {type: Integer, description: The season, ge: 1950}
  round: {type: Integer, description: Which race of the season it is, ge: 1}
  grid: {type: Integer, description: "The place on the grid, behind all for a start from the pit lane; before the race, that of qualifying", ge: 1}
  from_pit_lane: {type: Boolean, description: Whether it starts from the pit lane}
  grid_in_ten: {type: Boolean, description: Whether it starts among the first ten}
  position_order: {type: Integer, description: "The place in the list, those that are not classified at its end", nullable: true, ge: 1}
  place: {type: Number, description: The place in the end where it is classified, nullable: true, ge: 1}
  top_ten: {type: Boolean, description: Whether it finished among the first ten, nullable: true}
  did_not_finish: {type: Boolean, description: Whether it was not classified, nullable: true}
tests:
  a place belongs to a car that finished: select * from stg_starts where place is not null and did_not_finish
*/
with entries as (
    select race_id, driver_id, constructor_id, grid, position_order, position_text
    from results
    union all
    select q.race_id, q.driver_id, q.constructor_id, q.position, null, null
    from qualifying q
    where not exists (select 1 from results r where r.race_id = q.race_id)
),
counted as (
    select *, count(*) over (partition by race_id) as starters
    from entries
)
-- In the fifties drivers shared cars, and have several results in one race: the best counts.
select distinct on (races.race_day, c.driver_id)
    c.race_id,
    c.driver_id,
    c.constructor_id,
    races.circuit_id,
    races.race_day,
    races.year as season,
    races.round,
    case when c.grid = 0 then c.starters else c.grid end as grid,
    c.grid = 0 as from_pit_lane,
    c.grid between 1 and 10 as grid_in_ten,
    c.position_order,
    case when c.position_text ~ '^[0-9]+$' then c.position_order end as place,
    case when c.position_text is not null then c.position_order <= 10 end as top_ten,
    c.position_text !~ '^[0-9]+$' as did_not_finish
from counted c
join races on races.race_id = c.race_id
order by races.race_day, c.driver_id, c.position_order
