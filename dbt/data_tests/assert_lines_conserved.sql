{{ config(tags=['event_day'], meta={'dagster': {'ref': {'name': 'fct_order_line'}}}) }}

-- Every staged line is a fact of its order's day or an orphan: nothing vanishes, nothing multiplies.
with

staged as (

    select count(*) as n_lines from {{ ref('stg_order_lines') }}

),

orphans as (

    select count(*) as n_lines from {{ ref('int_orphan_order_lines') }}

),

outside as (

    select count(*) as n_lines
    from {{ ref('stg_order_lines') }} as order_lines
    inner join {{ ref('stg_orders') }} as orders on order_lines.order_id = orders.order_id
    where not ({{ in_window('orders.order_date') }})

),

facts as (

    select count(*) as n_lines
    from {{ ref('fct_order_line') }}
    where {{ in_window('order_date') }}

)

select
    staged.n_lines as n_staged,
    orphans.n_lines as n_orphans,
    outside.n_lines as n_outside_window,
    facts.n_lines as n_facts
from staged
cross join orphans
cross join outside
cross join facts
where staged.n_lines <> orphans.n_lines + outside.n_lines + facts.n_lines
