{{ config(severity='warn', tags=['event_day'], meta={'dagster': {'ref': {'name': 'fct_order_line'}}}) }}

-- Lines in another currency than their order: the order's total in its own currency means nothing then.
select
    order_lines.order_id,
    order_lines.line_no,
    order_lines.currency,
    orders.currency as order_currency
from {{ ref('fct_order_line') }} as order_lines
inner join {{ ref('fct_order') }} as orders
    on order_lines.order_id = orders.order_id
where
    {{ in_window('order_lines.order_date') }}
    and order_lines.currency <> orders.currency
