with

source as (

    select * from {{ source('raw', 'impressions') }}

),

ranked as (

    select
        *,
        {{ version_rank(['impression_id']) }} as version_rank
    from source

)

select
    impression_id,
    campaign_id,
    slot_id,
    {{ known_customer('customer_id') }} as customer_id,
    session_id,
    product_id,

    viewable,

    {{ event_day('ts') }} as impression_date,
    ts as impression_ts,

    coalesce(_feed, 'impressions') as feed
from ranked
where version_rank = 1
