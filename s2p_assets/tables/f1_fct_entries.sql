/*
description: >
  Every car in every race: what was known before the start, and, once it was driven, the outcome. One row per driver
  and race since 1950; a race that is still to be driven has its rows once its qualifying has come in.
owner: race-office@example.com
key: [driver_id, race_day]
columns:
  driver_id: {type: Code, description: The driver}
  race_day: {type: Date, description: The day of the race}
  race_id: {type: Code, description: The race}
  constructor_id: {type: Code, description: The team}
  circuit_id: {type: Code, description: Where it is held}
  top_ten: {type: Boolean, description: Whether it finished among the first ten, nullable: true}
  did_not_finish: {type: Boolean, description: Whether it was not classified, nullable: true}
  decided_on: {type: Date, description: The day on which that was known, nullable: true}
  season: {type: Integer, description: The season}
  round: {type: Integer, description: Which race of the season it is, ge: 1}
  grid: {type: Integer, description: "The place on the grid, behind all for a start from the pit lane; before the race, that of qualifying", ge: 1}
  from_pit_lane: {type: Boolean, description: Whether it starts from the pit lane}
  grid_in_ten: {type: Boolean, description: Whether it starts among the first ten}
  qualifying_position: {type: Integer, description: The place in qualifying, nullable: true}
  gap_to_pole: {type: Percent, description: "The best lap against the best of all, as a share", nullable: true}
  gap_to_tenth: {type: Percent, description: The same against the tenth best, nullable: true}
  gap_to_teammate: {type: Percent, description: The best lap against the teammate's, nullable: true}
  sprint_position: {type: Integer, description: The place in the sprint the day before, nullable: true}
  driver_age: {type: Number, description: The driver's age in years}
  driver_races: {type: Integer, description: Races that the driver had started, ge: 0}
  driver_place_8: {type: Number, description: "The driver's mean place where classified, last 8 races", nullable: true}
  driver_grid_8: {type: Number, description: "The driver's mean place on the grid, last 8 races", nullable: true}
  driver_top_ten_20: {type: Percent, description: "Of the driver's last 20 races where classified, in the top ten", nullable: true}
  driver_gain_20: {type: Number, description: "Places won from grid to end, the driver's last 20 races", nullable: true}
  driver_failures_20: {type: Percent, description: "Of the driver's last 20 races, those not finished", nullable: true}
  driver_circuit_place: {type: Number, description: The driver's mean place at this track, nullable: true}
  driver_standing: {type: Integer, description: The driver's place in the season so far, nullable: true}
  constructor_place_10: {type: Number, description: "The team's mean place where classified, last 10 starts", nullable: true}
  constructor_place_40: {type: Number, description: The same of the last 40 starts, nullable: true}
  constructor_grid_10: {type: Number, description: "The team's mean place on the grid, last 10 starts", nullable: true}
  constructor_top_ten_20: {type: Percent, description: "Of the team's last 20 starts where classified, top ten", nullable: true}
  constructor_gain_20: {type: Number, description: "Places won from grid to end, the team's last 20 starts", nullable: true}
  constructor_failures_20: {type: Percent, description: "Of the team's last 20 starts, those not finished", nullable: true}
  constructor_failures_60: {type: Percent, description: "Of the team's last 60 starts, those not finished", nullable: true}
  constructor_standing: {type: Integer, description: The team's place in the season so far, nullable: true}
  circuit_gain_60: {type: Number, description: "Places won from grid to end, last 60 starts at this track", nullable: true}
  circuit_failures_60: {type: Percent, description: "Of the last 60 starts at this track, those not finished", nullable: true}
  recent_failures: {type: Percent, description: "Of all starts of the last year, those not finished", nullable: true}
  driver_place_rank: {type: Number, description: The rank of the driver's mean place among those who start, nullable: true}
  driver_grid_rank: {type: Number, description: The rank of the driver's mean grid among those who start, nullable: true}
  constructor_place_rank: {type: Number, description: The rank of the team's mean place among those who start, nullable: true}
  constructor_grid_rank: {type: Number, description: The rank of the team's mean grid among those who start, nullable: true}
  driver_name: {type: Text, description: The driver's name}
  constructor_name: {type: Text, description: The team's name}
*/
with entries as (
    select
        s.driver_id,
        s.race_day,
        s.race_id,
        s.constructor_id,
        s.circuit_id,
        s.top_ten,
        s.did_not_finish,
        case when s.top_ten is not null then s.race_day end as decided_on,
        s.season,
        s.round,
        s.grid,
        s.from_pit_lane,
        s.grid_in_ten,
        q.qualifying_position,
        q.gap_to_pole,
        q.gap_to_tenth,
        q.gap_to_teammate,
        q.sprint_position,
        (s.race_day - p.born_on) / 365.25::float8 as driver_age,
        d.races as driver_races,
        d.place_8 as driver_place_8,
        d.grid_8 as driver_grid_8,
        d.top_ten_20 as driver_top_ten_20,
        d.gain_20 as driver_gain_20,
        d.failures_20 as driver_failures_20,
        d.circuit_place as driver_circuit_place,
        ds.position as driver_standing,
        c.place_10 as constructor_place_10,
        c.place_40 as constructor_place_40,
        c.grid_10 as constructor_grid_10,
        c.top_ten_20 as constructor_top_ten_20,
        c.gain_20 as constructor_gain_20,
        c.failures_20 as constructor_failures_20,
        c.failures_60 as constructor_failures_60,
        cs.position as constructor_standing,
        r.gain_60 as circuit_gain_60,
        r.failures_60 as circuit_failures_60,
        y.recent_failures,
        p.driver_name,
        t.constructor_name
    from stg_starts s
    join dim_drivers p on p.driver_id = s.driver_id
    join dim_constructors t on t.constructor_id = s.constructor_id
    left join int_qualifying q on q.race_id = s.race_id and q.driver_id = s.driver_id
    left join int_driver_form d on d.driver_id = s.driver_id and d.race_day = s.race_day
    left join int_constructor_form c on c.constructor_id = s.constructor_id and c.race_day = s.race_day
    left join int_circuit_form r on r.circuit_id = s.circuit_id and r.race_day = s.race_day
    left join int_recent_failures y on y.race_day = s.race_day
    left join int_driver_standings ds on ds.driver_id = s.driver_id and ds.season = s.season
        and ds.race_day < s.race_day and (ds.until is null or ds.until >= s.race_day)
    left join int_constructor_standings cs on cs.constructor_id = s.constructor_id and cs.season = s.season
        and cs.race_day < s.race_day and (cs.until is null or cs.until >= s.race_day)
)
-- Two that are level share the mean of their ranks.
select
    e.driver_id,
    e.race_day,
    e.race_id,
    e.constructor_id,
    e.circuit_id,
    e.top_ten,
    e.did_not_finish,
    e.decided_on,
    e.season,
    e.round,
    e.grid,
    e.from_pit_lane,
    e.grid_in_ten,
    e.qualifying_position,
    e.gap_to_pole,
    e.gap_to_tenth,
    e.gap_to_teammate,
    e.sprint_position,
    e.driver_age,
    e.driver_races,
    e.driver_place_8,
    e.driver_grid_8,
    e.driver_top_ten_20,
    e.driver_gain_20,
    e.driver_failures_20,
    e.driver_circuit_place,
    e.driver_standing,
    e.constructor_place_10,
    e.constructor_place_40,
    e.constructor_grid_10,
    e.constructor_top_ten_20,
    e.constructor_gain_20,
    e.constructor_failures_20,
    e.constructor_failures_60,
    e.constructor_standing,
    e.circuit_gain_60,
    e.circuit_failures_60,
    e.recent_failures,
    case when e.driver_place_8 is not null then
        rank() over (partition by e.race_id order by e.driver_place_8)
        + (count(*) over (partition by e.race_id, e.driver_place_8) - 1) / 2.0::float8
    end as driver_place_rank,
    case when e.driver_grid_8 is not null then
        rank() over (partition by e.race_id order by e.driver_grid_8)
        + (count(*) over (partition by e.race_id, e.driver_grid_8) - 1) / 2.0::float8
    end as driver_grid_rank,
    case when e.constructor_place_10 is not null then
        rank() over (partition by e.race_id order by e.constructor_place_10)
        + (count(*) over (partition by e.race_id, e.constructor_place_10) - 1) / 2.0::float8
    end as constructor_place_rank,
    case when e.constructor_grid_10 is not null then
        rank() over (partition by e.race_id order by e.constructor_grid_10)
        + (count(*) over (partition by e.race_id, e.constructor_grid_10) - 1) / 2.0::float8
    end as constructor_grid_rank,
    e.driver_name,
    e.constructor_name
from entries e
