{{ config(materialized='table', tags=['static']) }}

with

warehouses as (

    select * from {{ ref('stg_warehouses') }}

)

select
    warehouse_id,

    name,
    type,
    country,

    lat,
    lon,
    capacity_orders_day,
    capacity_kg,
    cost_pick,
    cost_pack,
    currency,

    can_battery,
    can_liquid,
    can_hazard,
    is_sample
from warehouses
