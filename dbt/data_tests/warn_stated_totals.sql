{{ config(severity='warn', tags=['event_day'], meta={'dagster': {'ref': {'name': 'fct_order'}}}) }}

-- Orders whose stated total of goods differs from the sum of their lines by more than 0.02.
select
    order_id,
    order_date,
    stated_goods_total,
    goods_total
from {{ ref('fct_order') }}
where
    {{ in_window('order_date') }}
    and stated_goods_total is not null
    and abs(stated_goods_total - goods_total) > 0.02
