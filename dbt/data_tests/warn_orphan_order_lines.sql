{{ config(severity='warn', tags=['static'], meta={'dagster': {'ref': {'name': 'int_orphan_order_lines'}}}) }}

-- Lines whose order has not arrived: a late parent is normal, they become facts when it comes.
select
    order_id,
    count(*) as n_lines
from {{ ref('int_orphan_order_lines') }}
group by 1
