{{ config(materialized='view', tags=['event_day']) }}

with

day_hours as (

    select * from {{ ref('int_customer_day_hours') }}

),

product_days as (

    select * from {{ ref('int_customer_product_days') }}

),

order_days as (

    select
        customer_id,
        event_date,
        {{ iso_weekday('event_date') }} as iso_weekday,
        sum(n_orders) as n_orders
    from day_hours
    group by 1, 2, 3

),

-- The most frequent hour so far, the earlier one on a tie: counts only grow, so the largest running
-- (count, hour) seen so far names it and no day has to look at all days before it again.
hour_scores as (

    select
        customer_id,
        event_date,
        sum(n_orders) over (
            partition by customer_id, order_hour_utc
            order by event_date
            rows between unbounded preceding and current row
        ) * 24 + (23 - order_hour_utc) as hour_score
    from day_hours

),

hours_by_day as (

    select
        customer_id,
        event_date,
        max(hour_score) as hour_score
    from hour_scores
    group by 1, 2

),

weekday_scores as (

    select
        customer_id,
        event_date,
        sum(n_orders) over (
            partition by customer_id, iso_weekday
            order by event_date
            rows between unbounded preceding and current row
        ) * 7 + (7 - iso_weekday) as weekday_score
    from order_days

),

first_purchases as (

    select
        customer_id,
        product_id,
        min(event_date) as event_date
    from product_days
    group by 1, 2

),

new_products as (

    select
        customer_id,
        event_date,
        count(*) as n_new_products
    from first_purchases
    group by 1, 2

),

category_days as (

    select
        customer_id,
        event_date,
        top_category,
        sum(gross_base) as gross_base
    from product_days
    where top_category is not null
    group by 1, 2, 3

),

category_dates as (

    select distinct
        customer_id,
        event_date
    from category_days

),

category_sums as (

    select
        category_dates.customer_id,
        category_dates.event_date,
        category_days.top_category,
        row_number() over (
            partition by category_dates.customer_id, category_dates.event_date
            order by sum(category_days.gross_base) desc, category_days.top_category
        ) as category_rank
    from category_dates
    inner join category_days
        on
            category_dates.customer_id = category_days.customer_id
            and category_dates.event_date >= category_days.event_date
    group by 1, 2, 3

),

top_categories as (

    select
        customer_id,
        event_date,
        {{ joined_text('top_category', 'category_rank') }} as top_categories
    from category_sums
    where category_rank <= 3
    group by 1, 2

),

joined as (

    select
        order_days.customer_id,
        order_days.event_date,
        hours_by_day.hour_score,
        weekday_scores.weekday_score,
        coalesce(new_products.n_new_products, 0) as n_new_products,
        top_categories.top_categories
    from order_days
    inner join hours_by_day
        on
            order_days.customer_id = hours_by_day.customer_id
            and order_days.event_date = hours_by_day.event_date
    inner join weekday_scores
        on
            order_days.customer_id = weekday_scores.customer_id
            and order_days.event_date = weekday_scores.event_date
    left join new_products
        on
            order_days.customer_id = new_products.customer_id
            and order_days.event_date = new_products.event_date
    left join top_categories
        on
            order_days.customer_id = top_categories.customer_id
            and order_days.event_date = top_categories.event_date

),

running as (

    select
        customer_id,
        event_date,
        lead(event_date, 1, date '9999-12-31') over (
            partition by customer_id order by event_date
        ) as valid_to,
        max(hour_score) over so_far as hour_score,
        max(weekday_score) over so_far as weekday_score,
        sum(n_new_products) over so_far as n_products,
        {{ last_known('top_categories') }} over so_far as top_categories
    from joined
    window so_far as (
        partition by customer_id
        order by event_date
        rows between unbounded preceding and current row
    )

)

select
    customer_id,
    event_date as valid_from,
    valid_to,

    top_categories,

    cast(n_products as bigint) as n_products,
    cast(23 - hour_score % 24 as integer) as preferred_hour_utc,
    cast(7 - weekday_score % 7 as integer) as preferred_weekday
from running
