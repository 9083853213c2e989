{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('order_date') }}",
    partition_by='order_date',
    tags=['event_day'],
) }}

with

order_lines as (

    select * from {{ ref('int_order_lines') }}
    where {{ in_window('order_date') }}

),

fx as (

    select * from {{ ref('int_fx_daily') }}

)

select
    order_lines.order_id,
    order_lines.line_no,
    order_lines.order_date,
    order_lines.order_ts,
    order_lines.customer_id,
    order_lines.product_id,

    order_lines.market,
    order_lines.ship_country,
    order_lines.channel,
    order_lines.order_status,
    order_lines.currency,
    order_lines.charge_kind,

    order_lines.qty,
    order_lines.unit_price,
    order_lines.discount,
    order_lines.line_total,
    {{ to_base('order_lines.line_total', 'fx.rate_to_base') }} as line_total_base,
    order_lines.duplicate_records,

    order_lines.is_product,
    order_lines.is_gift,
    order_lines.is_paid,

    order_lines.feed
from order_lines
left join fx on order_lines.currency = fx.currency and order_lines.order_date = fx.fx_date
