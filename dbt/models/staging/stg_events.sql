with

source as (

    select * from {{ source('raw', 'events') }}

),

ranked as (

    select
        *,
        {{ version_rank(['event_id']) }} as version_rank
    from source

)

select
    event_id,
    session_id,
    anonymous_id,
    {{ known_customer('customer_id') }} as customer_id,
    product_id,

    event_type,
    source_event,
    page_type,
    placement,
    category as category_path,
    country,
    device,
    app,
    user_agent_class,

    dwell_s,
    engagement_time_ms,
    coalesce(_duplicate_records, 0) as duplicate_records,

    {{ event_day('ts') }} as event_date,
    ts as event_ts,
    received_ts,

    coalesce(_feed, 'events') as feed
from ranked
where version_rank = 1
