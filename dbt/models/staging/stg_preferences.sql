with

source as (

    select * from {{ source('raw', 'preferences') }}

),

ranked as (

    select
        *,
        {{ version_rank(['customer_id', 'key', 'updated_ts']) }} as version_rank
    from source

)

select
    {{ known_customer('customer_id') }} as customer_id,
    key as preference_key,

    value as preference_value,
    source as given_in,

    {{ event_day('updated_ts') }} as updated_date,
    updated_ts,

    coalesce(_feed, 'preferences') as feed
from ranked
where version_rank = 1
