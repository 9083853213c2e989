{{ config(materialized='ephemeral') }}

with

orders as (

    select * from {{ ref('stg_orders') }}

),

returns as (

    select * from {{ ref('stg_returns') }}

),

sales_days as (

    select order_date as event_date from orders
    union all
    select return_date as event_date from returns

),

bounds as (

    select
        min(event_date) as first_date,
        max(event_date) as last_date
    from sales_days

),

known as (

    select
        first_date,
        least(
            {{ add_days(window_end(), -1) }},
            greatest(last_date, {{ add_days(known_until(), -1) }})
        ) as last_date
    from bounds

)

select {{ each_day('first_date', 'last_date') }} as event_date
from known
