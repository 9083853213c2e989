{{ config(
    materialized='incremental',
    pre_hook="{{ delete_touched_sessions() }}",
    tags=['event_day'],
) }}

with

session_days as (

    select
        *,
        first_ts - lag(last_ts) over (
            partition by feed, is_inferred, session_key
            order by first_ts, part_no
        ) > interval '30' minute as is_after_gap
    from {{ ref('int_session_days') }}

),

numbered as (

    select
        *,
        -- A visit over midnight is one: the days meet again here.
        sum(case when is_inferred and is_after_gap then 1 else 0 end) over (
            partition by feed, is_inferred, session_key
            order by first_ts, part_no
            rows between unbounded preceding and current row
        ) as visit_no
    from session_days

),

sessions as (

    select
        feed,
        is_inferred,
        session_key,
        min(visitor_id) as visitor_id,
        min(anonymous_id) as anonymous_id,
        min(customer_id) as customer_id,
        min(country) as country,
        min(device) as device,
        min(first_ts) as start_ts,
        max(last_ts) as end_ts,
        sum(n_events) as n_events,
        sum(n_pages) as n_pages,
        sum(n_purchases) as n_purchases,
        sum(engaged_ms) as engaged_ms
    from numbered
    group by feed, is_inferred, session_key, visit_no

),

named as (

    select
        *,
        case
            when is_inferred then concat(session_key, '@', cast(start_ts as string))
            else session_key
        end as session_id
    from sessions

)

select
    named.session_id,
    {{ event_day('named.start_ts') }} as session_date,
    {{ event_day('named.end_ts') }} as end_date,
    named.start_ts,
    named.end_ts,
    named.visitor_id,
    named.anonymous_id,
    named.customer_id,
    named.country,
    named.device,

    cast(named.n_events as bigint) as n_events,
    cast(named.n_pages as bigint) as n_pages,
    cast(named.n_purchases as bigint) as n_purchases,
    cast(cast(named.engaged_ms as decimal(18, 3)) * 0.001 as decimal(18, 3)) as engaged_s,

    named.is_inferred,

    named.feed
from named
{% if is_incremental() %}
    where
        not exists (
            select 1
            from {{ this }} as known
            where
                known.feed = named.feed
                and known.is_inferred = named.is_inferred
                and known.session_id = named.session_id
        )
{% endif %}
