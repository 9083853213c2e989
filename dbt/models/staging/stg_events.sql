with

source as (

    select
        *,
        {{ event_day('ts') }} as event_date
    from {{ source('raw', 'events') }}

),

-- By day, so that who asks for some days has only these ranked. An event with versions on several days counts
-- on one of them.
ranked as (

    select
        *,
        {{ version_rank(['event_id', 'event_date']) }} as version_rank
    from source

),

moves as (

    select * from {{ ref('int_event_moves') }}

)

select
    ranked.event_id,
    ranked.session_id,
    ranked.anonymous_id,
    {{ known_customer('ranked.customer_id') }} as customer_id,
    ranked.product_id,

    ranked.event_type,
    ranked.source_event,
    ranked.page_type,
    ranked.placement,
    ranked.category as category_path,
    ranked.country,
    ranked.device,
    ranked.app,
    ranked.user_agent_class,
    ranked.search_query,

    ranked.search_results_n,
    ranked.position,
    ranked.dwell_s,
    ranked.engagement_time_ms,
    coalesce(ranked._duplicate_records, 0) as duplicate_records,

    ranked.event_date,
    ranked.ts as event_ts,
    ranked.received_ts,

    coalesce(ranked._feed, 'events') as feed
from ranked
left join moves on ranked.event_id = moves.event_id
where ranked.version_rank = 1 and coalesce(moves.event_date = ranked.event_date, true)
