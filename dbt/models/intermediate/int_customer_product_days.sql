{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('event_date') }}",
    tags=['event_day'],
) }}

with

order_lines as (

    select * from {{ ref('int_order_lines') }}
    where
        {{ missing_history('order_date', 'event_date') }}
        and customer_id is not null
        and is_paid
        and is_product

),

fx as (

    select * from {{ ref('int_fx_daily') }}

),

categories as (

    select * from {{ ref('int_product_categories') }}

),

summed as (

    select
        order_lines.customer_id,
        order_lines.order_date as event_date,
        order_lines.product_id,
        count(*) as n_lines,
        sum(order_lines.qty) as n_items,
        sum({{ to_base('order_lines.line_total', 'fx.rate_to_base') }}) as gross_base
    from order_lines
    left join fx on order_lines.currency = fx.currency and order_lines.order_date = fx.fx_date
    group by 1, 2, 3

)

select
    summed.customer_id,
    summed.event_date,
    summed.product_id,

    categories.top_category,

    cast(summed.n_lines as bigint) as n_lines,
    cast(summed.n_items as bigint) as n_items,
    cast(coalesce(summed.gross_base, 0) as decimal(18, 4)) as gross_base
from summed
left join categories
    on
        summed.product_id = categories.product_id
        and summed.event_date >= categories.valid_from
        and summed.event_date < categories.valid_to
