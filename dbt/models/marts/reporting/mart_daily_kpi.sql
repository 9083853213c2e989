{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('kpi_date') }}",
    partition_by='kpi_date',
    tags=['event_day'],
) }}

with

days as (

    select event_date as kpi_date
    from {{ ref('int_event_days') }}
    where {{ in_window('event_date') }}

),

orders as (

    select
        order_date as kpi_date,
        count(case when is_paid then 1 end) as n_orders,
        count(case when is_paid and customer_id is null then 1 end) as n_anonymous_orders,
        count(case when not is_paid then 1 end) as n_unpaid_orders
    from {{ ref('fct_order') }}
    where {{ in_window('order_date') }}
    group by 1

),

order_lines as (

    select
        order_date as kpi_date,
        count(case when is_product then 1 end) as n_lines,
        sum(case when is_product then qty end) as n_items,
        sum(case when is_product then line_total_base end) as gross_base,
        sum(case when not is_product then line_total_base end) as charges_base
    from {{ ref('fct_order_line') }}
    where {{ in_window('order_date') }} and is_paid
    group by 1

),

returns as (

    select
        return_date as kpi_date,
        count(case when is_product then 1 end) as n_returns,
        sum(case when is_product then refund_total_base end) as returns_base,
        sum(case when not is_product then refund_total_base end) as refunded_charges_base
    from {{ ref('fct_return') }}
    where {{ in_window('return_date') }}
    group by 1

),

first_orders as (

    select
        customer_id,
        min(event_date) as first_order_date
    from {{ ref('int_customer_days') }}
    where n_orders > 0
    group by 1

),

new_customers as (

    select
        first_order_date as kpi_date,
        count(*) as n_new_customers
    from first_orders
    where {{ in_window('first_order_date') }}
    group by 1

),

customers as (

    select
        event_date as kpi_date,
        count(*) as n_customers
    from {{ ref('int_customer_days') }}
    where {{ in_window('event_date') }} and n_orders > 0
    group by 1

),

joined as (

    select
        days.kpi_date,
        coalesce(orders.n_orders, 0) as n_orders,
        coalesce(order_lines.n_lines, 0) as n_lines,
        cast(coalesce(order_lines.n_items, 0) as bigint) as n_items,
        coalesce(customers.n_customers, 0) as n_customers,
        coalesce(new_customers.n_new_customers, 0) as n_new_customers,
        coalesce(orders.n_anonymous_orders, 0) as n_anonymous_orders,
        coalesce(orders.n_unpaid_orders, 0) as n_unpaid_orders,
        coalesce(returns.n_returns, 0) as n_returns,
        cast(coalesce(order_lines.gross_base, 0) as decimal(18, 4)) as gross_base,
        cast(coalesce(returns.returns_base, 0) as decimal(18, 4)) as returns_base,
        cast(coalesce(order_lines.charges_base, 0) as decimal(18, 4)) as charges_base,
        cast(coalesce(returns.refunded_charges_base, 0) as decimal(18, 4)) as refunded_charges_base
    from days
    left join orders on days.kpi_date = orders.kpi_date
    left join order_lines on days.kpi_date = order_lines.kpi_date
    left join returns on days.kpi_date = returns.kpi_date
    left join customers on days.kpi_date = customers.kpi_date
    left join new_customers on days.kpi_date = new_customers.kpi_date

)

select
    kpi_date,

    n_orders,
    n_lines,
    n_items,
    n_customers,
    n_new_customers,
    gross_base,
    returns_base,
    cast(gross_base - returns_base as decimal(18, 4)) as net_base,
    {{ money_per('gross_base', 'nullif(n_orders, 0)') }} as aov_base,
    n_anonymous_orders,
    cast(returns_base as double) / cast(nullif(gross_base, 0) as double) as return_rate,
    n_unpaid_orders,
    n_returns,
    charges_base,
    refunded_charges_base
from joined
