{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('as_of_date') }}",
    partition_by='as_of_date',
    tags=['event_day'],
) }}

with

rfm as (

    select * from {{ ref('mart_rfm') }}
    where {{ in_window('as_of_date') }}

),

moved as (

    select
        as_of_date,
        coalesce(previous_segment, '(first order)') as from_segment,
        segment as to_segment,
        monetary_base_change
    from rfm
    where previous_segment is null or previous_segment <> segment

)

select
    as_of_date,

    from_segment,
    to_segment,

    count(*) as n_customers,
    cast(sum(monetary_base_change) as decimal(18, 4)) as net_base_change
from moved
group by 1, 2, 3
