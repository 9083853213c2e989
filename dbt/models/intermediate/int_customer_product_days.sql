{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('event_date') }}",
    partition_by='event_date',
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

products as (

    select * from {{ ref('int_product_versions') }}

),

valued as (

    select
        order_lines.customer_id,
        order_lines.order_date as event_date,
        order_lines.product_id,
        products.top_category,
        order_lines.qty,
        {{ to_base('order_lines.line_total', 'fx.rate_to_base') }} as line_base,
        order_lines.qty * {{ to_base('products.unit_cost', 'cost_fx.rate_to_base') }} as cost_base
    from order_lines
    left join products
        on
            order_lines.product_id = products.product_id
            and order_lines.order_date >= products.valid_from
            and order_lines.order_date < products.valid_to
    left join fx on order_lines.currency = fx.currency and order_lines.order_date = fx.fx_date
    left join fx as cost_fx
        on products.cost_currency = cost_fx.currency and order_lines.order_date = cost_fx.fx_date

)

select
    customer_id,
    event_date,
    product_id,

    top_category,

    count(*) as n_lines,
    cast(sum(qty) as bigint) as n_items,
    cast(coalesce(sum(line_base), 0) as decimal(18, 4)) as gross_base,
    -- Margin is known where the cost is; its own base, so that unknown costs do not count as none.
    cast(
        coalesce(sum(case when cost_base is not null then line_base end), 0) as decimal(18, 4)
    ) as costed_base,
    cast(coalesce(sum(line_base - cost_base), 0) as decimal(18, 4)) as margin_base
from valued
group by 1, 2, 3, 4
