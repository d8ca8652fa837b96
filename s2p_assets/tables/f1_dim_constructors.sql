/*
description: Which teams there are. One row per team.
owner: race-office@example.com
key: constructor_id
columns:
  constructor_id: {type: Code, description: The team}
  constructor_name: {type: Text, description: The team's name}
*/
select constructor_id, name as constructor_name
from constructors
