{#
    Parcels whose stages a window of scan days may change: those scanned in it, and those with a stage from it whose
    scans may be gone. A stage's time depends on the parcel's other stages, so all of the parcel go. What is deleted is
    added again from int_shipment_scans.
#}
{% macro delete_touched_parcels() -%}
    {%- if is_incremental() -%}
    delete from {{ this }}
    where
        parcel_id in (
            select days.parcel_id
            from {{ ref('int_shipment_scans') }} as days
            where {{ in_window('days.scan_date') }}
        )
        or parcel_id in (
            select known.parcel_id
            from {{ this }} as known
            where known.scan_date < {{ window_end() }} and known.last_scan_date >= {{ window_start() }}
        )
    {%- endif -%}
{%- endmacro %}
