{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('scan_date') }}",
    partition_by='scan_date',
    tags=['event_day'],
) }}

with

scans as (

    select * from {{ ref('stg_tracking_events') }}
    where {{ in_window('scan_date') }}

),

carrier_codes as (

    select * from {{ ref('carrier_stage_map') }}

),

stages as (

    select * from {{ ref('process_stages') }}
    where process = 'cargo'

)

select
    scans.carrier,
    scans.tracking_no,
    scans.code,
    scans.scan_ts,
    scans.scan_date,
    scans.parcel_id,
    scans.order_id,
    coalesce(carrier_codes.stage, concat('unknown:', scans.code)) as stage,
    stages.stage_no,
    coalesce(stages.is_ordered, false) as is_ordered,
    carrier_codes.stage is not null as is_known,
    scans.location,
    scans.weight_kg
from scans
left join carrier_codes on scans.carrier = carrier_codes.carrier and scans.code = carrier_codes.code
left join stages on carrier_codes.stage = stages.stage
