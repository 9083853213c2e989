{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('event_date') }}",
    partition_by='event_date',
    tags=['event_day'],
) }}

with

events as (

    select * from {{ ref('stg_events') }}
    where
        {{ in_window('event_date') }}
        and customer_id is not null
        and anonymous_id is not null

)

select
    customer_id,
    anonymous_id,
    event_date,

    count(*) as n_events
from events
group by 1, 2, 3
