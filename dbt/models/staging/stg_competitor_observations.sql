with

source as (

    select * from {{ source('raw', 'competitor_observations') }}

),

ranked as (

    select
        *,
        {{ version_rank(['competitor', 'listing_id', 'observed_ts']) }} as version_rank
    from source

)

select
    competitor,
    listing_id,
    product_id,
    gtin,

    market,
    currency,

    cast(price as decimal(18, 4)) as price,
    cast(shipping as decimal(18, 4)) as shipping,
    in_stock,

    {{ event_day('observed_ts') }} as observed_date,
    observed_ts,

    coalesce(_feed, 'competitor_observations') as feed
from ranked
where version_rank = 1
