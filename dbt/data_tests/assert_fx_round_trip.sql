{{ config(tags=['event_day'], meta={'dagster': {'ref': {'name': 'fct_order_line'}}}) }}

-- An amount in base currency is the amount times the rate of its day, to half a unit of the fourth decimal.
with

order_lines as (

    select * from {{ ref('fct_order_line') }}
    where {{ in_window('order_date') }}

),

fx as (

    select * from {{ ref('int_fx_daily') }}

)

select
    order_lines.order_id,
    order_lines.line_no,
    order_lines.line_total,
    order_lines.line_total_base,
    fx.rate_to_base
from order_lines
inner join fx on order_lines.currency = fx.currency and order_lines.order_date = fx.fx_date
where
    order_lines.line_total_base is null
    or abs(order_lines.line_total_base - order_lines.line_total * fx.rate_to_base) > 0.00005
