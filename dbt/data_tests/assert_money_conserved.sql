{{ config(tags=['event_day'], meta={'dagster': {'ref': {'name': 'fct_order'}}}) }}

-- The lines of an order add up to the order, in its currency and in base currency.
with

line_sums as (

    select
        order_id,
        sum(line_total) as goods_total,
        sum(line_total_base) as goods_total_base,
        count(*) as n_lines
    from {{ ref('fct_order_line') }}
    where {{ in_window('order_date') }}
    group by 1

),

orders as (

    select
        order_id,
        goods_total,
        goods_total_base,
        n_lines
    from {{ ref('fct_order') }}
    where {{ in_window('order_date') }}

)

select
    coalesce(orders.order_id, line_sums.order_id) as order_id,
    orders.goods_total,
    line_sums.goods_total as sum_of_lines,
    orders.goods_total_base,
    line_sums.goods_total_base as sum_of_lines_base
from orders
full outer join line_sums on orders.order_id = line_sums.order_id
where
    orders.order_id is null
    or orders.n_lines <> coalesce(line_sums.n_lines, 0)
    or orders.goods_total <> coalesce(line_sums.goods_total, 0)
    or orders.goods_total_base <> coalesce(line_sums.goods_total_base, 0)
