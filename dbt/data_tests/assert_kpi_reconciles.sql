{{ config(tags=['event_day'], meta={'dagster': {'ref': {'name': 'mart_daily_kpi'}}}) }}

-- The figures of a day equal the sums of its facts, and its identified part equals the customers' own days.
with

kpi as (

    select * from {{ ref('mart_daily_kpi') }}
    where {{ in_window('kpi_date') }}

),

order_lines as (

    select
        order_date as kpi_date,
        sum(line_total_base) as sold_base
    from {{ ref('fct_order_line') }}
    where {{ in_window('order_date') }} and is_paid
    group by 1

),

customer_days as (

    select
        event_date as kpi_date,
        sum(n_orders) as n_orders
    from {{ ref('int_customer_days') }}
    where {{ in_window('event_date') }}
    group by 1

)

select
    kpi.kpi_date,
    kpi.gross_base,
    kpi.charges_base,
    order_lines.sold_base,
    kpi.n_orders,
    kpi.n_anonymous_orders,
    customer_days.n_orders as n_identified_orders
from kpi
left join order_lines on kpi.kpi_date = order_lines.kpi_date
left join customer_days on kpi.kpi_date = customer_days.kpi_date
where
    kpi.gross_base + kpi.charges_base <> coalesce(order_lines.sold_base, 0)
    or kpi.n_orders - kpi.n_anonymous_orders <> coalesce(customer_days.n_orders, 0)
