with

source as (

    select * from {{ source('raw', 'lanes') }}

),

ranked as (

    select
        *,
        {{ version_rank(['lane_id'], 'valid_from') }} as version_rank
    from source

)

select
    lane_id,

    origin_node,
    dest_node,
    mode,
    carrier,
    service,
    currency,

    distance_km,
    cast(rate_per_kg as decimal(18, 4)) as rate_per_kg,
    cast(rate_per_cbm as decimal(18, 4)) as rate_per_cbm,
    cast(min_charge as decimal(18, 4)) as min_charge,
    surcharge_pct,
    vol_divisor,
    transit_p50_days,
    transit_p90_days,

    allows_battery,
    allows_liquid,
    allows_hazard,
    is_sample,

    valid_from,

    coalesce(_feed, 'lanes') as feed
from ranked
where version_rank = 1
