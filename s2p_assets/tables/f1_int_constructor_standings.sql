/*
description: >
  The place of each constructor in the championship after each race, and until which race day it stands. One row per
  constructor and race.
owner: race-office@example.com
key: [constructor_id, race_day]
columns:
  constructor_id: {type: Code, description: The constructor}
  season: {type: Integer, description: The season}
  race_day: {type: Date, description: The day after whose race it is the place}
  until: {type: Date, description: The next day with a place of the season, nullable: true}
  position: {type: Integer, description: The place in the season so far, nullable: true, ge: 1}
*/
select
    s.constructor_id,
    r.year as season,
    r.race_day,
    lead(r.race_day) over (partition by s.constructor_id, r.year order by r.race_day) as until,
    s.position
from constructor_standings s
join races r on r.race_id = s.race_id
