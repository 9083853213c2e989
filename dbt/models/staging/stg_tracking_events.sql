with

source as (

    select * from {{ source('raw', 'tracking_events') }}

),

ranked as (

    select
        *,
        {{ version_rank(['carrier', 'tracking_no', 'code', 'ts']) }} as version_rank
    from source

)

select
    carrier,
    tracking_no,
    code,
    order_id,
    -- A carrier that knows its own number only still names one parcel with it.
    coalesce(parcel_id, tracking_no) as parcel_id,

    description,
    location,
    tz_offset,

    weight_kg,

    {{ event_day('ts') }} as scan_date,
    ts as scan_ts,

    coalesce(_feed, 'tracking_events') as feed
from ranked
where version_rank = 1
