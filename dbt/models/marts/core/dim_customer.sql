{{ config(materialized='table', tags=['static']) }}

with

customers as (

    select * from {{ ref('stg_customers') }}

),

sightings as (

    select
        customer_id,
        order_ts as seen_ts
    from {{ ref('stg_orders') }}
    union all
    select
        customer_id,
        opened_ts as seen_ts
    from {{ ref('stg_returns') }}
    union all
    select
        customer_id,
        updated_ts as seen_ts
    from {{ ref('stg_customer_versions') }}
    union all
    select
        customer_id,
        registered_ts as seen_ts
    from customers

),

first_seen as (

    select
        customer_id,
        min(seen_ts) as first_seen_ts
    from sightings
    where customer_id is not null
    group by 1

)

select
    first_seen.customer_id,

    customers.country,
    customers.language,
    customers.acquisition_channel,

    customers.registered_ts,
    first_seen.first_seen_ts,

    customers.consent_marketing,
    customers.consent_profiling,
    customers.customer_id is not null as is_in_feed
from first_seen
left join customers on first_seen.customer_id = customers.customer_id
