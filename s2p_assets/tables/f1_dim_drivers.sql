/*
description: Who drives. One row per driver.
owner: race-office@example.com
key: driver_id
columns:
  driver_id: {type: Code, description: The driver}
  driver_name: {type: Text, description: The driver's name}
  born_on: {type: Date, description: The day of birth}
*/
select driver_id, forename || ' ' || surname as driver_name, born_on
from drivers
