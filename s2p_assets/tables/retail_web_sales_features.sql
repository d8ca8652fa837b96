/*
description: >
  How each SKU sells in the web shop: sums over the days up to one. One row per SKU and day, from its first order to 7
  days after its last; a day without orders has its row too, in which older sales fall out of the sums. Since when a row
  is known is its newest order of that day, or else the day's beginning, so that who asks for a moment sees nothing of
  later orders.
owner: planning@example.com
key: [sku, day]
entity: sku
event_time: known_at
columns:
  sku: {type: Code, description: The company's own article number}
  day: {type: Date, description: The last day that is in the sums}
  known_at: {type: Timestamp, description: "The newest order of the day, or the beginning of a day without"}
  units_1: {type: Integer, description: "Units ordered on the day, less cancellations", unit: units}
  units_3: {type: Integer, description: "The same over 3 days, the day included", unit: units}
  units_7: {type: Integer, description: "The same over 7 days, the day included", unit: units}
  turnover_7: {type: Money, description: What was paid for them in 7 days}
  lines_7: {type: Integer, description: "Lines of orders and cancellations in 7 days", ge: 0}
  selling_days_7: {type: Integer, description: "Days of the 7 on which there were orders", in_range: [0, 7]}
incremental: [sku, day]
every: 2 seconds
*/
select
    s.sku,
    s.day + ago as day,
    coalesce(max(s.last_order_at) filter (where ago = 0), (s.day + ago)::timestamp) as known_at,
    coalesce(sum(s.units) filter (where ago = 0), 0)::bigint as units_1,
    coalesce(sum(s.units) filter (where ago < 3), 0)::bigint as units_3,
    coalesce(sum(s.units) filter (where ago < 7), 0)::bigint as units_7,
    coalesce(sum(s.turnover) filter (where ago < 7), 0) as turnover_7,
    coalesce(sum(s.lines) filter (where ago < 7), 0)::bigint as lines_7,
    count(*) filter (where ago < 7) as selling_days_7
from web_sales_by_day s
cross join generate_series(0, 7) as past(ago)
group by s.sku, s.day + ago
