/*
description: >
  The best lap of each driver in the qualifying of each race, in seconds, and the place that was reached. One row per
  driver and race.
owner: race-office@example.com
key: [race_id, driver_id]
columns:
  race_id: {type: Code, description: The race}
  driver_id: {type: Code, description: The driver}
  position: {type: Integer, description: The place reached, ge: 1}
  lap: {type: Number, description: The best lap of the three parts, unit: s, nullable: true, gt: 0}
*/
with laps as (
    select race_id, driver_id, position, string_to_array(q1, ':') as one, string_to_array(q2, ':') as two,
        string_to_array(q3, ':') as three
    from qualifying
)
select distinct on (race_id, driver_id)
    race_id,
    driver_id,
    position,
    least(
        one[1]::float8 * 60 + one[2]::float8,
        two[1]::float8 * 60 + two[2]::float8,
        three[1]::float8 * 60 + three[2]::float8
    ) as lap
from laps
order by race_id, driver_id, position
