{{ config(
    severity='warn',
    tags=['event_day'],
    meta={'dagster': {'ref': {'name': 'int_shipment_scans'}}},
) }}

-- Codes of carriers that carrier_stage_map does not know, with their number: add a line to the seed and
-- build the days again.
select
    carrier,
    code,
    count(*) as n_scans,
    count(distinct parcel_id) as n_parcels
from {{ ref('int_shipment_scans') }}
where not is_known and {{ in_window('scan_date') }}
group by carrier, code
