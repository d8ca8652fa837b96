/*
description: What the web shop sold of each SKU on each day, less cancellations. One row per SKU and day with orders.
owner: planning@example.com
key: [sku, day]
columns:
  sku: {type: Code, description: The company's own article number}
  day: {type: Date, description: "The day of the orders, by the company's clock"}
  units: {type: Integer, description: "Units ordered less those cancelled; below 0 where cancellations exceed", unit: units}
  turnover: {type: Money, description: What was paid for them}
  lines: {type: Integer, description: Lines of orders and of cancellations, ge: 1}
  last_order_at: {type: Timestamp, description: The newest order line of the day}
incremental: [sku, day]
every: 2 seconds
*/
select
    sku,
    ordered_at::date as day,
    sum(quantity)::bigint as units,
    sum(quantity * unit_price) as turnover,
    count(*) as lines,
    max(ordered_at) as last_order_at
from web_orders
group by sku, ordered_at::date
