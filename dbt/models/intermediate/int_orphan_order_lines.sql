{{ config(materialized='view', tags=['static']) }}

with

lines as (

    select * from {{ ref('stg_order_lines') }}

),

orders as (

    select * from {{ ref('stg_orders') }}

)

select
    lines.order_id,
    lines.line_no,
    lines.product_id,

    lines.currency,

    lines.qty,
    lines.line_total,

    lines.feed
from lines
left join orders on lines.order_id = orders.order_id
where orders.order_id is null
