with

source as (

    select * from {{ source('raw', 'registration_events') }}

),

ranked as (

    select
        *,
        {{ version_rank(['event_id']) }} as version_rank
    from source

)

select
    event_id,
    session_id as attempt_id,
    {{ known_customer('customer_id') }} as customer_id,
    stage,

    country as market,
    channel,
    device,
    result,
    reason,

    {{ event_day('ts') }} as event_date,
    ts as event_ts,
    _drop_date as drop_date,

    coalesce(_feed, 'registration_events') as feed
from ranked
where version_rank = 1
