{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('return_date') }}",
    partition_by='return_date',
    tags=['event_day'],
) }}

with

matches as (

    select * from {{ ref('int_return_matches') }}
    where {{ in_window('return_date') }}

),

fx as (

    select * from {{ ref('int_fx_daily') }}

)

select
    matches.return_id,
    matches.return_date,
    matches.opened_ts,
    matches.customer_id,
    matches.product_id,

    matches.qty,
    matches.unit_price,
    matches.currency,
    matches.refund_total,
    {{ to_base('matches.refund_total', 'fx.rate_to_base') }} as refund_total_base,
    matches.duplicate_records,

    matches.matched_order_id,
    matches.matched_line_no,
    matches.match_kind,
    matches.reason,
    matches.charge_kind,

    matches.is_product,
    matches.exceeds_sale,

    matches.feed
from matches
left join fx on matches.currency = fx.currency and matches.return_date = fx.fx_date
