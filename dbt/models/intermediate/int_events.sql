{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('event_date') }}",
    partition_by='event_date',
    tags=['event_day'],
) }}

with

events as {{ not_kept() }} (

    select
        event_id,
        customer_id,
        product_id,
        event_type,
        page_type,
        placement,
        category_path,
        country,
        user_agent_class,
        dwell_s,
        event_date,
        event_ts,
        feed,
        coalesce(session_id, anonymous_id, customer_id) as session_key,
        session_id is null as is_inferred,
        event_type = 'view' or (event_type = 'search' and page_type = 'search') as is_page
    from {{ ref('stg_events') }}
    where
        {{ missing_history('event_date') }}
        and {{ since_first_missing('event_date', 'raw.events', event_day('ts')) }}

),

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
        max(case when is_page and dwell_s is null then 1 else 0 end) as has_untracked_page,
        max(case when event_type = 'ping' then 1 else 0 end) as has_heartbeat,
        max(event_ts) as last_ts,
        {{ exact_seconds_between('min(event_ts)', 'max(event_ts)') }} as duration_s
    from events
    where session_key is not null
    group by feed, is_inferred, session_key, event_date

),

-- Programs: those that say so, and visits of more than 50 pages that are too fast (more than 300 events an
-- hour, heartbeats apart) or on which the tracker measured no time at all.
screened as (

    select
        *,
        {{ any_number() }} as session_no,
        case
            when is_declared = 1 then 'declared'
            when n_pages > 50 and n_actions * 3600.0 > 300 * greatest(duration_s, 1)
                then 'more_than_300_events_an_hour'
            when n_pages_without_time > 50 then 'no_dwell_on_50_pages'
        end as bot_rule
    from sessions

),

-- Visits with a page that the tracker did not measure. All of it is sorted: only what pages are made of, and
-- by a number.
untracked as (

    select
        screened.session_no,
        screened.has_heartbeat,
        screened.last_ts,
        events.event_id,
        events.event_ts,
        events.dwell_s,
        events.is_page,
        events.is_inferred
    from events
    inner join screened
        on
            events.feed = screened.feed
            and events.is_inferred = screened.is_inferred
            and events.session_key = screened.session_key
            and events.event_date = screened.event_date
    where screened.has_untracked_page = 1 and (events.is_page or events.event_type = 'ping')

),

-- Seconds to the next page, on the last one to the end of the visit.
gaps as (

    select
        event_id,
        dwell_s,
        is_inferred,
        {{ exact_seconds_between(
            'event_ts',
            'coalesce(lead(event_ts) over (partition by session_no order by event_ts, event_id), last_ts)',
        ) }} as gap_s
    from untracked
    where has_heartbeat = 0

),

-- A heartbeat counts when it is in other ten seconds than the page or heartbeat before it.
beats as (

    select
        session_no,
        event_id,
        dwell_s,
        is_page,
        sum(case when is_page then 1 else 0 end) over (
            partition by session_no
            order by event_ts, event_id
            rows between unbounded preceding and current row
        ) as page_no,
        {{ time_slot('event_ts', 10) }} > lag({{ time_slot('event_ts', 10) }}) over (
            partition by session_no
            order by event_ts, event_id
        ) as is_other_slot
    from untracked
    where has_heartbeat = 1

),

-- The order of truth: what the tracker measured, Snowplow's formula for heartbeats, the time to the next
-- event. The last page of a visit is null, never 0: nobody knows. A gap of half an hour ends a visit without
-- a number.
dwells as (

    select
        event_id,
        'gap' as dwell_method,
        least(gap_s, 1800.0) as dwell_s
    from gaps
    where dwell_s is null and gap_s > 0 and not (is_inferred and gap_s > 1800)
    union all
    select
        max(case when is_page then event_id end) as event_id,
        'heartbeat' as dwell_method,
        10.0 * sum(case when is_other_slot and not is_page then 1 else 0 end) + 5 as dwell_s
    from beats
    where page_no > 0
    group by session_no, page_no
    having max(case when is_page then dwell_s end) is null

)

select
    events.event_id,
    events.session_key,
    coalesce(events.customer_id, screened.only_customer_id) as customer_id,
    events.product_id,

    events.event_type,
    events.page_type,
    events.placement,
    events.category_path,
    events.country,
    case
        when events.is_page and screened.session_no is not null and events.dwell_s is not null then 'tracker'
        else dwells.dwell_method
    end as dwell_method,
    screened.bot_rule,

    case
        when events.is_page and screened.session_no is not null and events.dwell_s is not null
            then least(events.dwell_s, 1800.0)
        else dwells.dwell_s
    end as dwell_s,

    events.is_page,
    events.is_inferred,

    events.event_date,
    events.event_ts
from events
left join screened
    on
        events.feed = screened.feed
        and events.is_inferred = screened.is_inferred
        and events.session_key = screened.session_key
        and events.event_date = screened.event_date
left join dwells on events.event_id = dwells.event_id
where events.event_type <> 'ping'
