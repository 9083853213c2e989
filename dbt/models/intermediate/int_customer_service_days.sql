{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('event_date') }}",
    partition_by='event_date',
    tags=['event_day'],
) }}

{% set of_orders = ['n_placed', 'n_cancelled', 'n_discounted', 'duty_base', 'cbec_cny'] %}
{% set of_payments = ['n_deposits', 'n_balances'] %}
{% set of_deliveries = ['n_deliveries', 'delivery_s', 'n_promised', 'n_late'] %}
{% set of_visits = ['n_sessions', 'n_views', 'n_clicks', 'n_searches', 'n_carts', 'dwell_ms'] %}
{% set of_exposures = ['n_impressions', 'n_impression_clicks'] %}

with

orders as (

    select * from {{ ref('stg_orders') }}
    where order_date < {{ window_end() }} and customer_id is not null

),

payments as (

    select * from {{ ref('stg_payments') }}
    where {{ missing_history('paid_date', 'event_date') }} and is_succeeded and kind in ('deposit', 'balance')

),

-- A parcel is delivered when that is scanned first; a later scan of it is a repetition.
deliveries as (

    select
        parcel_id,
        scan_date,
        scan_ts,
        row_number() over (partition by parcel_id order by scan_ts, scan_date) as scan_no
    from {{ ref('int_shipment_scans') }}
    where stage = 'delivered' and scan_date < {{ window_end() }}

),

shipments as (

    select * from {{ ref('stg_shipments') }}

),

events as (

    select * from {{ ref('int_events') }}
    where {{ missing_history('event_date') }} and customer_id is not null and bot_rule is null

),

exposures as (

    select * from {{ ref('int_item_signals') }}
    where {{ missing_history('event_date') }} and customer_id is not null and n_impressions > 0

),

fx as (

    select * from {{ ref('int_fx_daily') }}

),

-- What an order states on its day. The customs code closes the name of an operation mode: 1210 bonded and
-- 9610 direct imports count against a buyer's annual limit in China, in yuan.
terms as (

    select
        orders.customer_id,
        orders.order_date as event_date,
        1 as n_placed,
        case when orders.status = 'cancelled' then 1 else 0 end as n_cancelled,
        case when orders.discount > 0 then 1 else 0 end as n_discounted,
        case
            when orders.is_paid then coalesce({{ to_base('orders.duty', 'fx.rate_to_base') }}, 0)
            else 0
        end as duty_base,
        case
            when
                orders.is_paid
                and orders.market = 'CN'
                and orders.currency = 'CNY'
                and right(orders.operation_mode, 4) in ('1210', '9610')
                then coalesce(orders.stated_goods_total, 0) - coalesce(orders.discount, 0)
            else 0
        end as cbec_cny
    from orders
    left join fx on orders.currency = fx.currency and orders.order_date = fx.fx_date
    where {{ missing_history('orders.order_date', 'event_date') }}

),

visits as (

    select
        customer_id,
        event_date,
        count(distinct session_key) as n_sessions,
        sum(case when event_type in ('view', 'item_view') then 1 else 0 end) as n_views,
        sum(case when event_type = 'click' then 1 else 0 end) as n_clicks,
        sum(case when event_type = 'search' then 1 else 0 end) as n_searches,
        sum(case when event_type = 'add_to_cart' then 1 else 0 end) as n_carts,
        sum(cast(round(dwell_s * 1000) as bigint)) as dwell_ms
    from events
    group by 1, 2

),

parts as (

    select
        customer_id,
        event_date,
        n_placed,
        n_cancelled,
        n_discounted,
        duty_base,
        cbec_cny,
        {{ zeros(of_payments + of_deliveries + of_visits + of_exposures) }}
    from terms
    union all
    select
        orders.customer_id,
        payments.paid_date as event_date,
        {{ zeros(of_orders) }},
        case when payments.kind = 'deposit' then 1 else 0 end as n_deposits,
        case when payments.kind = 'balance' then 1 else 0 end as n_balances,
        {{ zeros(of_deliveries + of_visits + of_exposures) }}
    from payments
    inner join orders on payments.order_id = orders.order_id
    union all
    select
        orders.customer_id,
        deliveries.scan_date as event_date,
        {{ zeros(of_orders + of_payments) }},
        1 as n_deliveries,
        {{ seconds_between('orders.order_ts', 'deliveries.scan_ts') }} as delivery_s,
        case when orders.promised_days is not null then 1 else 0 end as n_promised,
        case
            when
                {{ seconds_between('orders.order_ts', 'deliveries.scan_ts') }} > orders.promised_days * 86400
                then 1
            else 0
        end as n_late,
        {{ zeros(of_visits + of_exposures) }}
    from deliveries
    inner join shipments on deliveries.parcel_id = shipments.parcel_id
    inner join orders on shipments.order_id = orders.order_id
    where
        deliveries.scan_no = 1
        and {{ missing_history('deliveries.scan_date', 'event_date') }}
        and deliveries.scan_ts >= orders.order_ts
    union all
    select
        customer_id,
        event_date,
        {{ zeros(of_orders + of_payments + of_deliveries) }},
        n_sessions,
        n_views,
        n_clicks,
        n_searches,
        n_carts,
        dwell_ms,
        {{ zeros(of_exposures) }}
    from visits
    union all
    select
        customer_id,
        event_date,
        {{ zeros(of_orders + of_payments + of_deliveries + of_visits) }},
        n_impressions,
        n_impression_clicks
    from exposures

)

select
    customer_id,
    event_date,

    cast(sum(n_placed) as bigint) as n_placed,
    cast(sum(n_cancelled) as bigint) as n_cancelled,
    cast(sum(n_discounted) as bigint) as n_discounted,
    cast(sum(duty_base) as decimal(18, 4)) as duty_base,
    cast(sum(cbec_cny) as decimal(18, 4)) as cbec_cny,
    cast(sum(n_deposits) as bigint) as n_deposits,
    cast(sum(n_balances) as bigint) as n_balances,
    cast(sum(n_deliveries) as bigint) as n_deliveries,
    cast(sum(delivery_s) as bigint) as delivery_s,
    cast(sum(n_promised) as bigint) as n_promised,
    cast(sum(n_late) as bigint) as n_late,
    cast(sum(n_sessions) as bigint) as n_sessions,
    cast(sum(n_views) as bigint) as n_views,
    cast(sum(n_clicks) as bigint) as n_clicks,
    cast(sum(n_searches) as bigint) as n_searches,
    cast(sum(n_carts) as bigint) as n_carts,
    cast(coalesce(sum(dwell_ms), 0) as bigint) as dwell_ms,
    cast(sum(n_impressions) as bigint) as n_impressions,
    cast(sum(n_impression_clicks) as bigint) as n_impression_clicks
from parts
group by 1, 2
