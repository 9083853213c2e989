{{ config(materialized='view', tags=['static']) }}

with

returns as (

    select * from {{ ref('stg_returns') }}

),

orders as (

    select * from {{ ref('stg_orders') }}

),

charge_codes as (

    select * from {{ ref('non_product_codes') }}

)

select
    returns.return_id,
    returns.return_date,
    returns.order_id,
    returns.line_no,
    coalesce(orders.customer_id, returns.customer_id) as customer_id,
    -- Whose sales can be undone: the person's, or those of the one order of a guest.
    coalesce(orders.customer_id, 'guest of ' || orders.order_id, returns.customer_id) as buyer_key,
    returns.product_id,

    returns.currency,
    returns.reason,
    coalesce(exact_codes.charge_kind, prefix_codes.charge_kind) as charge_kind,

    returns.qty,
    returns.unit_price,
    returns.refund,
    returns.duplicate_records,

    coalesce(exact_codes.charge_kind, prefix_codes.charge_kind) is null as is_product,

    returns.opened_ts,

    returns.feed
from returns
left join orders on returns.order_id = orders.order_id
{{ join_charge_codes('returns', 'charge_codes') }}
