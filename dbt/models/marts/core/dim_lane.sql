{{ config(materialized='table', tags=['static']) }}

with

lanes as (

    select * from {{ ref('stg_lanes') }}

)

select
    lane_id,
    origin_node,
    dest_node,

    mode,
    carrier,
    service,

    distance_km,
    rate_per_kg,
    min_charge,
    surcharge_pct,
    vol_divisor,
    currency,
    transit_p50_days,
    transit_p90_days,

    allows_battery,
    allows_liquid,
    allows_hazard,
    is_sample
from lanes
-- Lanes between hubs are legs of routes; an address is reached by country.
where length(dest_node) = 2
