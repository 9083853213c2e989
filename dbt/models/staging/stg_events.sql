with

source as (

    select
        *,
        {{ event_day('ts') }} as event_date
    from {{ source('raw', 'events') }}

),

-- The few events that came several times are ranked there, once. Ranked here, every event of a day would be
-- in each model that reads it.
versions as (

    select * from {{ ref('int_event_versions') }}

)

select
    source.event_id,
    source.session_id,
    source.anonymous_id,
    {{ known_customer('source.customer_id') }} as customer_id,
    source.product_id,

    source.event_type,
    source.source_event,
    source.page_type,
    source.placement,
    source.category as category_path,
    source.country,
    source.device,
    source.app,
    source.user_agent_class,
    source.search_query,

    source.search_results_n,
    source.position,
    source.dwell_s,
    source.engagement_time_ms,
    coalesce(source._duplicate_records, 0) as duplicate_records,

    source.event_date,
    source.ts as event_ts,
    source.received_ts,

    coalesce(source._feed, 'events') as feed
from source
left join versions on source.event_id = versions.event_id
where
    versions.event_id is null
    or (source._file_id = versions._file_id and source._row_no = versions._row_no)
