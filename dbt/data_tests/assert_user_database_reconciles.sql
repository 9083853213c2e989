{{ config(tags=['event_day'], meta={'dagster': {'ref': {'name': 'mart_user_database'}}}) }}

-- The user database of a day holds every customer who ordered up to that day, and all their orders and goods.
with

users as (

    select
        as_of_date,
        count(*) as n_customers,
        sum(n_orders) as n_orders,
        sum(gross_base) as gross_base
    from {{ ref('mart_user_database') }}
    where {{ in_window('as_of_date') }}
    group by 1

),

first_orders as (

    select
        customer_id,
        min(event_date) as event_date
    from {{ ref('int_customer_days') }}
    where n_orders > 0
    group by 1

),

new_customers as (

    select
        event_date,
        count(*) as n_customers
    from first_orders
    group by 1

),

day_sums as (

    select
        event_date,
        sum(n_orders) as n_orders,
        sum(gross_base) as gross_base
    from {{ ref('int_customer_days') }}
    group by 1

),

so_far as (

    select
        day_sums.event_date,
        lead(day_sums.event_date, 1, date '9999-12-31') over (order by day_sums.event_date) as next_date,
        sum(coalesce(new_customers.n_customers, 0)) over by_day as n_customers,
        sum(day_sums.n_orders) over by_day as n_orders,
        sum(day_sums.gross_base) over by_day as gross_base
    from day_sums
    left join new_customers on day_sums.event_date = new_customers.event_date
    window by_day as (order by day_sums.event_date rows between unbounded preceding and current row)

)

select
    users.as_of_date,
    users.n_customers,
    so_far.n_customers as n_customers_expected,
    users.n_orders,
    so_far.n_orders as n_orders_expected,
    users.gross_base,
    so_far.gross_base as gross_base_expected
from users
left join so_far on users.as_of_date >= so_far.event_date and users.as_of_date < so_far.next_date
where
    so_far.event_date is null
    or users.n_customers <> so_far.n_customers
    or users.n_orders <> so_far.n_orders
    or users.gross_base <> so_far.gross_base
