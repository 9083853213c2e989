{{ config(tags=['event_day'], meta={'dagster': {'ref': {'name': 'mart_segment_moves'}}}) }}

-- A segment grows from one day to the next by those who came minus those who went.
with

sizes as (

    select
        as_of_date,
        segment,
        count(*) as n_customers
    from {{ ref('mart_rfm') }}
    where {{ in_window('as_of_date') }}
    group by 1, 2

),

previous_sizes as (

    select
        as_of_date,
        previous_segment as segment,
        count(*) as n_customers
    from {{ ref('mart_rfm') }}
    where {{ in_window('as_of_date') }} and previous_segment is not null
    group by 1, 2

),

moves as (

    select * from {{ ref('mart_segment_moves') }}
    where {{ in_window('as_of_date') }}

),

changes as (

    select
        as_of_date,
        segment,
        n_customers
    from sizes
    union all
    select
        as_of_date,
        segment,
        -n_customers as n_customers
    from previous_sizes
    union all
    select
        as_of_date,
        to_segment as segment,
        -n_customers as n_customers
    from moves
    union all
    select
        as_of_date,
        from_segment as segment,
        n_customers
    from moves
    where from_segment <> '(first order)'

)

select
    as_of_date,
    segment,
    sum(n_customers) as unexplained
from changes
group by 1, 2
having sum(n_customers) <> 0
