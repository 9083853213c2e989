{{ config(tags=['event_day'], meta={'dagster': {'ref': {'name': 'fct_order_line'}}}) }}

-- Every staged line is a fact of its order's day or an orphan: nothing vanishes, nothing multiplies. Looks at
-- the window and at every day built before, so it names the days whose lines came too late for their window.
with

staged as (

    select
        orders.order_date,
        count(*) as n_lines
    from {{ ref('stg_order_lines') }} as order_lines
    left join {{ ref('stg_orders') }} as orders on order_lines.order_id = orders.order_id
    group by 1

),

facts as (

    select
        order_date,
        count(*) as n_lines
    from {{ ref('fct_order_line') }}
    group by 1

),

orphans as (

    select count(*) as n_lines
    from {{ ref('int_orphan_order_lines') }}

),

orphan_check as (

    select
        cast(null as date) as order_date,
        coalesce(max(staged.n_lines), 0) as n_staged,
        max(orphans.n_lines) as n_found
    from orphans
    left join staged on staged.order_date is null

),

day_check as (

    select
        coalesce(staged.order_date, facts.order_date) as order_date,
        coalesce(staged.n_lines, 0) as n_staged,
        coalesce(facts.n_lines, 0) as n_found
    from staged
    full outer join facts on staged.order_date = facts.order_date
    where
        facts.order_date is not null
        or ({{ in_window('staged.order_date') }})

),

unioned as (

    select * from orphan_check
    union all
    select * from day_check

)

select
    order_date,
    n_staged,
    n_found
from unioned
where n_staged <> n_found
