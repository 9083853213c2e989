{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('event_date') }}",
    partition_by='event_date',
    tags=['event_day'],
) }}

with

orders as (

    select
        customer_id,
        order_date as event_date,
        hour(order_ts) as order_hour_utc
    from {{ ref('stg_orders') }}
    where
        {{ missing_history('order_date', 'event_date') }}
        and customer_id is not null
        and is_paid

)

select
    customer_id,
    event_date,
    cast(order_hour_utc as integer) as order_hour_utc,

    count(*) as n_orders
from orders
group by 1, 2, 3
