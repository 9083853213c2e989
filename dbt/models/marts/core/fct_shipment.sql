{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('shipped_date') }}",
    partition_by='shipped_date',
    tags=['event_day'],
) }}

with

shipments as (

    select * from {{ ref('stg_shipments') }}
    where {{ in_window('shipped_date') }}

),

fx as (

    select * from {{ ref('int_fx_daily') }}

)

select
    shipments.parcel_id,
    shipments.order_id,
    shipments.warehouse_id,
    shipments.shipped_date,
    shipments.shipped_ts,

    shipments.lane_ids,
    shipments.dims,
    shipments.customs_mode,

    shipments.weight_kg,
    shipments.declared_value,
    shipments.currency,
    {{ to_base('shipments.declared_value', 'fx.rate_to_base') }} as declared_value_base,
    shipments.cost as cost_base,

    shipments.feed
from shipments
left join fx on shipments.currency = fx.currency and shipments.shipped_date = fx.fx_date
