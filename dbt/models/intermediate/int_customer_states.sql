{{ config(materialized='ephemeral') }}

with

customer_days as (

    select
        *,
        min(case when n_orders > 0 then event_date end) over (partition by customer_id) as first_order_date
    from {{ ref('int_customer_days') }}
    where event_date < {{ window_end() }}

),

-- What a day adds to the sums up to a day, and what leaves the trailing 90 and 365 days when it grows old.
steps as (

    select
        customer_id,
        {{ counted_from('event_date') }} as valid_from,
        n_orders,
        n_items,
        gross_base,
        costed_base,
        margin_base,
        returns_base,
        n_orders as n_orders_90d,
        gross_base - returns_base as net_base_90d,
        n_orders as n_orders_365d,
        gross_base - returns_base as net_base_365d,
        case when n_orders > 0 then 1 else 0 end as n_order_days,
        case when event_date = first_order_date then gross_base else 0 end as first_gross_base,
        case when n_orders > 0 then event_date end as order_date
    from customer_days
    union all
    select
        customer_id,
        {{ counted_from(add_days('event_date', 90)) }} as valid_from,
        0 as n_orders,
        0 as n_items,
        cast(0 as decimal(18, 4)) as gross_base,
        cast(0 as decimal(18, 4)) as costed_base,
        cast(0 as decimal(18, 4)) as margin_base,
        cast(0 as decimal(18, 4)) as returns_base,
        -n_orders as n_orders_90d,
        returns_base - gross_base as net_base_90d,
        0 as n_orders_365d,
        cast(0 as decimal(18, 4)) as net_base_365d,
        0 as n_order_days,
        cast(0 as decimal(18, 4)) as first_gross_base,
        cast(null as date) as order_date
    from customer_days
    union all
    select
        customer_id,
        {{ counted_from(add_days('event_date', 365)) }} as valid_from,
        0 as n_orders,
        0 as n_items,
        cast(0 as decimal(18, 4)) as gross_base,
        cast(0 as decimal(18, 4)) as costed_base,
        cast(0 as decimal(18, 4)) as margin_base,
        cast(0 as decimal(18, 4)) as returns_base,
        0 as n_orders_90d,
        cast(0 as decimal(18, 4)) as net_base_90d,
        -n_orders as n_orders_365d,
        returns_base - gross_base as net_base_365d,
        0 as n_order_days,
        cast(0 as decimal(18, 4)) as first_gross_base,
        cast(null as date) as order_date
    from customer_days

),

changes as (

    select
        customer_id,
        valid_from,
        sum(n_orders) as n_orders,
        sum(n_items) as n_items,
        sum(gross_base) as gross_base,
        sum(costed_base) as costed_base,
        sum(margin_base) as margin_base,
        sum(returns_base) as returns_base,
        sum(n_orders_90d) as n_orders_90d,
        sum(net_base_90d) as net_base_90d,
        sum(n_orders_365d) as n_orders_365d,
        sum(net_base_365d) as net_base_365d,
        sum(n_order_days) as n_order_days,
        sum(first_gross_base) as first_gross_base,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date
    from steps
    where valid_from < {{ window_end() }}
    group by 1, 2

),

running as (

    select
        customer_id,
        valid_from,
        lead(valid_from, 1, date '9999-12-31') over (
            partition by customer_id order by valid_from
        ) as valid_to,
        min(first_order_date) over so_far as first_order_date,
        max(last_order_date) over so_far as last_order_date,
        sum(n_orders) over so_far as n_orders,
        sum(n_order_days) over so_far as n_order_days,
        sum(n_items) over so_far as n_items,
        sum(gross_base) over so_far as gross_base,
        sum(first_gross_base) over so_far as first_gross_base,
        sum(costed_base) over so_far as costed_base,
        sum(margin_base) over so_far as margin_base,
        sum(returns_base) over so_far as returns_base,
        sum(n_orders_90d) over so_far as n_orders_90d,
        sum(net_base_90d) over so_far as net_base_90d,
        sum(n_orders_365d) over so_far as n_orders_365d,
        sum(net_base_365d) over so_far as net_base_365d
    from changes
    window so_far as (
        partition by customer_id
        order by valid_from
        rows between unbounded preceding and current row
    )

)

select
    customer_id,
    valid_from,
    valid_to,

    first_order_date,
    last_order_date,

    cast(n_orders as bigint) as n_orders,
    cast(n_order_days as bigint) as n_order_days,
    cast(n_items as bigint) as n_items,
    cast(gross_base as decimal(18, 4)) as gross_base,
    cast(gross_base - first_gross_base as decimal(18, 4)) as repeat_gross_base,
    cast(costed_base as decimal(18, 4)) as costed_base,
    cast(margin_base as decimal(18, 4)) as margin_base,
    cast(returns_base as decimal(18, 4)) as returns_base,
    cast(gross_base - returns_base as decimal(18, 4)) as net_base,
    cast(n_orders_90d as bigint) as n_orders_90d,
    cast(net_base_90d as decimal(18, 4)) as net_base_90d,
    cast(n_orders_365d as bigint) as n_orders_365d,
    cast(net_base_365d as decimal(18, 4)) as net_base_365d
from running
where n_orders > 0
