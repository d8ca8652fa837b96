/*
description: >
  How each car did in qualifying and in the sprint of the day before, against the others: one row per driver and race.
owner: race-office@example.com
key: [race_id, driver_id]
columns:
  race_id: {type: Code, description: The race}
  driver_id: {type: Code, description: The driver}
  qualifying_position: {type: Integer, description: The place in qualifying, nullable: true}
  gap_to_pole: {type: Percent, description: "The best lap against the best of all, as a share", nullable: true}
  gap_to_tenth: {type: Percent, description: The same against the tenth best, nullable: true}
  gap_to_teammate: {type: Percent, description: The best lap against the teammate's, nullable: true}
  sprint_position: {type: Integer, description: The place in the sprint the day before, nullable: true}
*/
with laps as (
    select s.race_id, s.driver_id, s.constructor_id, l.position, l.lap,
        row_number() over (partition by s.race_id order by l.lap) as nth
    from stg_starts s
    left join stg_qualifying_laps l on l.race_id = s.race_id and l.driver_id = s.driver_id
),
sprints as (
    select distinct on (race_id, driver_id) race_id, driver_id, position_order
    from sprint_results
    order by race_id, driver_id, position_order
)
select
    l.race_id,
    l.driver_id,
    l.position as qualifying_position,
    l.lap / min(l.lap) over (partition by l.race_id) - 1 as gap_to_pole,
    l.lap / max(l.lap) filter (where l.nth <= 10) over (partition by l.race_id) - 1 as gap_to_tenth,
    case
        when count(l.lap) over (partition by l.race_id, l.constructor_id) > 1 then
            l.lap / (
                (sum(l.lap) over (partition by l.race_id, l.constructor_id) - l.lap)
                / (count(l.lap) over (partition by l.race_id, l.constructor_id) - 1)
            ) - 1
    end as gap_to_teammate,
    p.position_order as sprint_position
from laps l
left join sprints p on p.race_id = l.race_id and p.driver_id = l.driver_id
