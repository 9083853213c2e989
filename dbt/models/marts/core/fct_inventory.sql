{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('snapshot_date') }}",
    partition_by='snapshot_date',
    tags=['event_day'],
) }}

with

inventory as (

    select * from {{ ref('stg_inventory') }}
    where {{ in_window('snapshot_date') }}

)

select
    warehouse_id,
    product_id,
    snapshot_date,

    on_hand,
    reserved,
    greatest(on_hand - reserved, 0) as available,
    inbound,
    inbound_eta_date,

    is_sample,

    feed
from inventory
