with

source as (

    select * from {{ source('raw', 'warehouses') }}

),

ranked as (

    select
        *,
        {{ version_rank(['warehouse_id'], 'valid_from') }} as version_rank
    from source

)

select
    warehouse_id,

    name,
    type,
    country,
    currency,

    lat,
    lon,
    capacity_orders_day,
    capacity_kg,
    capacity_m3,
    cast(cost_pick as decimal(18, 4)) as cost_pick,
    cast(cost_pack as decimal(18, 4)) as cost_pack,

    can_battery,
    can_liquid,
    can_hazard,
    is_sample,

    opening as opening_date,
    valid_from,

    coalesce(_feed, 'warehouses') as feed
from ranked
where version_rank = 1
