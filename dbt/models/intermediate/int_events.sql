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
        coalesce(session_id, anonymous_id, customer_id) as session_key,
        session_id is null as is_inferred,
        event_type = 'view' or (event_type = 'search' and page_type = 'search') as is_page
    from {{ ref('stg_events') }}
    where
        {{ missing_history('event_date') }}
        and {{ since_first_missing('event_date', 'raw.events', event_day('ts')) }}

),

-- Only what pages are made of: all of it is sorted.
numbered as (

    select
        feed,
        is_inferred,
        session_key,
        event_date,
        event_id,
        event_ts,
        dwell_s,
        is_page,
        event_type = 'ping' as is_heartbeat,
        sum(case when is_page then 1 else 0 end) over (
            partition by feed, is_inferred, session_key, event_date
            order by event_ts, event_id
            rows between unbounded preceding and current row
        ) as page_no,
        max(case when is_page or event_type = 'ping' then {{ time_slot('event_ts', 10) }} end) over (
            partition by feed, is_inferred, session_key, event_date
            order by event_ts, event_id
            rows between unbounded preceding and 1 preceding
        ) as slot_before
    from events
    where session_key is not null

),

-- A page with what happens on it. Heartbeats say nothing else than how long it was looked at.
pages as (

    select
        feed,
        is_inferred,
        session_key,
        event_date,
        page_no,
        max(case when is_page then event_id end) as page_event_id,
        max(case when is_page then dwell_s end) as tracker_s,
        max(case when is_heartbeat then 1 else 0 end) as has_heartbeat,
        -- Distinct stretches of ten seconds with a heartbeat, and the one in which the page was opened.
        sum(
            case
                when is_page then 1
                when is_heartbeat and {{ time_slot('event_ts', 10) }} > slot_before then 1
                else 0
            end
        ) as n_beats,
        min(event_ts) as first_ts,
        max(event_ts) as last_ts
    from numbered
    group by 1, 2, 3, 4, 5

),

timed as (

    select
        *,
        max(has_heartbeat) over (
            partition by feed, is_inferred, session_key, event_date
        ) as session_has_heartbeat,
        {{ exact_seconds_between(
            'first_ts',
            'coalesce(lead(first_ts) over (partition by feed, is_inferred, session_key, event_date order by page_no), last_ts)',
        ) }} as gap_s
    from pages

),

-- The order of truth: what the tracker measured, Snowplow's formula for heartbeats, the time to the next
-- event. The last page of a visit is null, never 0: nobody knows. A gap of half an hour ends a visit without
-- a number.
dwells as (

    select
        page_event_id,
        case
            when tracker_s is not null then least(tracker_s, 1800.0)
            when session_has_heartbeat = 1 then 10.0 * (n_beats - 1) + 5
            when gap_s > 0 and not (is_inferred and gap_s > 1800) then least(gap_s, 1800.0)
        end as dwell_s,
        case
            when tracker_s is not null then 'tracker'
            when session_has_heartbeat = 1 then 'heartbeat'
            when gap_s > 0 and not (is_inferred and gap_s > 1800) then 'gap'
        end as dwell_method
    from timed
    where page_event_id is not null

),

-- Programs: those that say so, and visits of more than 50 pages that are too fast (more than 300 events an
-- hour, heartbeats apart) or on which the tracker measured no time at all.
sessions as (

    select
        feed,
        is_inferred,
        session_key,
        event_date,
        case when min(customer_id) = max(customer_id) then min(customer_id) end as only_customer_id,
        max(case when user_agent_class = 'bot' then 1 else 0 end) as is_declared,
        sum(case when is_page then 1 else 0 end) as n_pages,
        sum(case when event_type <> 'ping' then 1 else 0 end) as n_actions,
        sum(case when is_page and dwell_s = 0 then 1 else 0 end) as n_pages_without_time,
        {{ exact_seconds_between('min(event_ts)', 'max(event_ts)') }} as duration_s
    from events
    where session_key is not null
    group by 1, 2, 3, 4

),

screened as (

    select
        *,
        case
            when is_declared = 1 then 'declared'
            when n_pages > 50 and n_actions * 3600.0 > 300 * greatest(duration_s, 1)
                then 'more_than_300_events_an_hour'
            when n_pages_without_time > 50 then 'no_dwell_on_50_pages'
        end as bot_rule
    from sessions

)

select
    events.event_id,
    events.session_key,
    events.anonymous_id,
    coalesce(events.customer_id, screened.only_customer_id) as customer_id,
    events.product_id,

    events.event_type,
    events.page_type,
    events.placement,
    events.category_path,
    events.country,
    events.device,
    dwells.dwell_method,
    screened.bot_rule,

    dwells.dwell_s,

    events.is_page,
    events.is_inferred,

    events.event_date,
    events.event_ts,

    events.feed
from events
left join screened
    on
        events.feed = screened.feed
        and events.is_inferred = screened.is_inferred
        and events.session_key = screened.session_key
        and events.event_date = screened.event_date
left join dwells on events.event_id = dwells.page_event_id
where events.event_type <> 'ping'
