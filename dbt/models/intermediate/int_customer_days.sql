{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('event_date') }}",
    partition_by='event_date',
    tags=['event_day'],
) }}

{% set of_lines = ['n_lines', 'n_items', 'gross_base', 'costed_base', 'margin_base'] %}
{% set of_returns = ['n_returns', 'n_returned_items', 'returns_base'] %}

with

order_hours as (

    select * from {{ ref('int_customer_day_hours') }}
    where {{ missing_history('event_date') }}

),

product_days as (

    select * from {{ ref('int_customer_product_days') }}
    where {{ missing_history('event_date') }}

),

returns as (

    select * from {{ ref('int_return_matches') }}
    where
        {{ missing_history('return_date', 'event_date') }}
        and customer_id is not null
        and is_product

),

fx as (

    select * from {{ ref('int_fx_daily') }}

),

parts as (

    select
        customer_id,
        event_date,
        n_orders,
        {{ zeros(of_lines + of_returns) }}
    from order_hours
    union all
    select
        customer_id,
        event_date,
        0 as n_orders,
        n_lines,
        n_items,
        gross_base,
        costed_base,
        margin_base,
        {{ zeros(of_returns) }}
    from product_days
    union all
    select
        returns.customer_id,
        returns.return_date as event_date,
        {{ zeros(['n_orders'] + of_lines) }},
        1 as n_returns,
        returns.qty as n_returned_items,
        coalesce({{ to_base('returns.refund_total', 'fx.rate_to_base') }}, 0) as returns_base
    from returns
    left join fx on returns.currency = fx.currency and returns.return_date = fx.fx_date

)

select
    customer_id,
    event_date,

    cast(sum(n_orders) as bigint) as n_orders,
    cast(sum(n_lines) as bigint) as n_lines,
    cast(sum(n_items) as bigint) as n_items,
    cast(sum(gross_base) as decimal(18, 4)) as gross_base,
    cast(sum(costed_base) as decimal(18, 4)) as costed_base,
    cast(sum(margin_base) as decimal(18, 4)) as margin_base,
    cast(sum(n_returns) as bigint) as n_returns,
    cast(sum(n_returned_items) as bigint) as n_returned_items,
    cast(sum(returns_base) as decimal(18, 4)) as returns_base
from parts
group by 1, 2
