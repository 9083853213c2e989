{#
    Parcels whose stages a window of scan days may change: those scanned in it, and those with a stage from it whose
    scans may be gone. A stage's time depends on the parcel's other stages, so all of the parcel go. What is deleted is
    added again from int_shipment_scans.
#}
{% macro delete_touched_parcels() -%}
    {%- set touched -%}
        known.parcel_id in (
            select days.parcel_id
            from {{ ref('int_shipment_scans') }} as days
            where {{ in_window('days.scan_date') }}
        )
        or known.parcel_id in (
            select stages.parcel_id
            from {{ this }} as stages
            where stages.scan_date < {{ window_end() }} and stages.last_scan_date >= {{ window_start() }}
        )
    {%- endset -%}
    {{ delete_rows(touched) }}
{%- endmacro %}
