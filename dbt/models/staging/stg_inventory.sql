with

source as (

    select * from {{ source('raw', 'inventory_snapshots') }}

),

ranked as (

    select
        *,
        {{ version_rank(['warehouse_id', 'product_id', 'snapshot_date']) }} as version_rank
    from source

)

select
    warehouse_id,
    product_id,
    snapshot_date,

    on_hand,
    reserved,
    inbound,

    is_sample,

    inbound_eta_date,

    coalesce(_feed, 'inventory_snapshots') as feed
from ranked
where version_rank = 1
