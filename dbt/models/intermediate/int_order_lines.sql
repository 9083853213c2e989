{{ config(materialized='view', tags=['static']) }}

with

lines as (

    select * from {{ ref('stg_order_lines') }}

),

orders as (

    select * from {{ ref('stg_orders') }}

),

charge_codes as (

    select * from {{ ref('non_product_codes') }}

)

select
    lines.order_id,
    lines.line_no,
    orders.order_date,
    orders.customer_id,
    lines.product_id,

    orders.market,
    orders.ship_country,
    orders.channel,
    orders.status as order_status,
    lines.currency,
    coalesce(exact_codes.charge_kind, prefix_codes.charge_kind) as charge_kind,

    lines.qty,
    lines.unit_price,
    lines.discount,
    lines.line_total,
    lines.duplicate_records,

    orders.is_paid,
    coalesce(exact_codes.charge_kind, prefix_codes.charge_kind) is null as is_product,
    lines.is_gift,

    orders.order_ts,

    lines.feed
from lines
inner join orders on lines.order_id = orders.order_id
{{ join_charge_codes('lines', 'charge_codes') }}
