{{ config(tags=['event_day'], meta={'dagster': {'ref': {'name': 'fct_shipment_stage'}}}) }}

-- Every scan of the window's parcels is in exactly one of their stages, quarantined ones included.
with

touched as (

    select distinct parcel_id
    from {{ ref('int_shipment_scans') }}
    where {{ in_window('scan_date') }}

),

scans as (

    select
        touched.parcel_id,
        count(*) as n_scans
    from touched
    inner join {{ ref('int_shipment_scans') }} as days on touched.parcel_id = days.parcel_id
    group by touched.parcel_id

),

stages as (

    select
        touched.parcel_id,
        sum(known.n_scans) as n_scans
    from touched
    inner join {{ ref('fct_shipment_stage') }} as known on touched.parcel_id = known.parcel_id
    group by touched.parcel_id

)

select
    scans.parcel_id,
    scans.n_scans as scans_in,
    stages.n_scans as scans_out
from scans
left join stages on scans.parcel_id = stages.parcel_id
where scans.n_scans <> coalesce(stages.n_scans, 0)
