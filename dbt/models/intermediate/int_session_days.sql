{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('event_date') }}",
    partition_by='event_date',
    tags=['event_day'],
) }}

with

events as (

    select
        *,
        session_id is null as is_inferred,
        coalesce(anonymous_id, customer_id) as visitor_id,
        coalesce(session_id, anonymous_id, customer_id) as session_key,
        -- Milliseconds are whole numbers: their sum does not depend on the order of the rows.
        coalesce(engagement_time_ms, cast(round(dwell_s * 1000) as bigint), 0) as engaged_ms
    from {{ ref('stg_events') }}
    where {{ in_window('event_date') }}

),

-- A session with a number is whole as it is; only visits without one are cut, and sorted for that.
gaps as (

    select
        *,
        event_ts - lag(event_ts) over (
            partition by feed, session_key, event_date
            order by event_ts, event_id
        ) > interval '30' minute as is_after_gap
    from events
    where session_key is not null and is_inferred

),

cut as (

    select
        *,
        sum(case when is_after_gap then 1 else 0 end) over (
            partition by feed, session_key, event_date
            order by event_ts, event_id
            rows between unbounded preceding and current row
        ) as part_no
    from gaps

),

parts as (

    select * from cut
    union all
    select
        *,
        false as is_after_gap,
        0 as part_no
    from events
    where not is_inferred

)

select
    feed,
    session_key,
    event_date,
    cast(part_no as bigint) as part_no,
    min(visitor_id) as visitor_id,
    min(anonymous_id) as anonymous_id,
    min(customer_id) as customer_id,
    min(country) as country,
    min(device) as device,
    min(event_ts) as first_ts,
    max(event_ts) as last_ts,
    count(*) as n_events,
    -- A search that shows its results as a page of its own says so in page_type.
    cast(
        sum(
            case
                when event_type = 'view' or (event_type = 'search' and page_type = 'search') then 1
                else 0
            end
        ) as bigint
    ) as n_pages,
    cast(sum(case when event_type = 'purchase' then 1 else 0 end) as bigint) as n_purchases,
    cast(sum(engaged_ms) as bigint) as engaged_ms,
    is_inferred
from parts
group by feed, session_key, event_date, part_no, is_inferred
