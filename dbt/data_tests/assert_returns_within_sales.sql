{{ config(tags=['event_day'], meta={'dagster': {'ref': {'name': 'fct_return'}}}) }}

-- Matches made here never give back more pieces than a sale had, and never undo a sale that came later.
with

matches as (

    select * from {{ ref('int_return_matches') }}
    where matched_order_id is not null

),

touched as (

    select distinct
        matched_order_id,
        matched_line_no
    from matches
    where {{ in_window('return_date') }}

),

returned as (

    select
        matches.matched_order_id as order_id,
        matches.matched_line_no as line_no,
        sum(case when not matches.exceeds_sale then matches.qty else 0 end) as returned_qty,
        min(matches.opened_ts) as first_return_ts
    from matches
    inner join touched
        on
            matches.matched_order_id = touched.matched_order_id
            and matches.matched_line_no = touched.matched_line_no
    group by 1, 2

)

select
    returned.order_id,
    returned.line_no,
    returned.returned_qty,
    order_lines.qty,
    orders.order_ts,
    returned.first_return_ts
from returned
left join {{ ref('stg_order_lines') }} as order_lines
    on returned.order_id = order_lines.order_id and returned.line_no = order_lines.line_no
left join {{ ref('stg_orders') }} as orders on returned.order_id = orders.order_id
where
    order_lines.order_id is null
    or orders.order_id is null
    or returned.returned_qty > order_lines.qty
    or returned.first_return_ts < orders.order_ts
