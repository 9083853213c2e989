{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('order_date') }}",
    partition_by='order_date',
    tags=['event_day'],
) }}

with

orders as (

    select * from {{ ref('stg_orders') }}
    where {{ in_window('order_date') }}

),

line_sums as (

    select
        order_id,
        count(*) as n_lines,
        sum(case when is_product then qty else 0 end) as n_items,
        sum(line_total) as goods_total,
        -- Null as soon as one line has no rate: a part of the value would pass for all of it.
        case when count(line_total_base) = count(*) then sum(line_total_base) end as goods_total_base
    from {{ ref('fct_order_line') }}
    where {{ in_window('order_date') }}
    group by 1

)

select
    orders.order_id,
    orders.order_date,
    orders.order_ts,
    orders.customer_id,

    orders.market,
    orders.ship_country,
    orders.channel,
    orders.status,
    orders.currency,

    coalesce(line_sums.n_lines, 0) as n_lines,
    cast(coalesce(line_sums.n_items, 0) as bigint) as n_items,
    cast(coalesce(line_sums.goods_total, 0) as decimal(18, 4)) as goods_total,
    cast(
        case when line_sums.order_id is null then 0 else line_sums.goods_total_base end as decimal(18, 4)
    ) as goods_total_base,
    orders.stated_goods_total,
    orders.shipping_fee,
    orders.discount,
    orders.promised_days,

    orders.is_presale,
    orders.is_paid,

    orders.feed
from orders
left join line_sums on orders.order_id = line_sums.order_id
