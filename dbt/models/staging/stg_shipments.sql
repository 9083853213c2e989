with

source as (

    select * from {{ source('raw', 'shipments') }}

),

ranked as (

    select
        *,
        {{ version_rank(['parcel_id']) }} as version_rank
    from source

)

select
    parcel_id,
    order_id,
    warehouse_id,

    lane_ids,
    dims,
    customs_mode,
    currency,

    weight_kg,
    cast(declared_value as decimal(18, 4)) as declared_value,
    cast(cost as decimal(18, 4)) as cost,

    {{ event_day('shipped_ts') }} as shipped_date,
    shipped_ts,

    coalesce(_feed, 'shipments') as feed
from ranked
where version_rank = 1
