{{ config(materialized='ephemeral') }}

with

day_hours as (

    select
        customer_id,
        {{ counted_from('event_date') }} as event_date,
        {{ iso_weekday('event_date') }} as iso_weekday,
        order_hour_utc,
        sum(n_orders) as n_orders
    from {{ ref('int_customer_day_hours') }}
    where event_date < {{ window_end() }}
    group by 1, 2, 3, 4

),

product_days as (

    select
        customer_id,
        {{ counted_from('event_date') }} as event_date,
        product_id,
        top_category,
        n_items
    from {{ ref('int_customer_product_days') }}
    where event_date < {{ window_end() }}

),

chosen_traits as (

    select
        customer_id,
        {{ counted_from('event_date') }} as event_date,
        trait,
        trait_value,
        sum(weight) as weight
    from {{ ref('int_customer_trait_days') }}
    where event_date < {{ window_end() }}
    group by 1, 2, 3, 4

),

-- The most frequent hour so far, the earlier one on a tie: counts only grow, so the largest running
-- (count, hour) seen so far names it and no day has to look at all days before it again. Weekdays likewise.
time_scores as (

    select
        customer_id,
        event_date,
        sum(n_orders) over (
            partition by customer_id, order_hour_utc
            order by event_date
            rows between unbounded preceding and current row
        ) * 24 + (23 - order_hour_utc) as hour_score,
        sum(n_orders) over (
            partition by customer_id, iso_weekday
            order by event_date
            rows between unbounded preceding and current row
        ) * 7 + (7 - iso_weekday) as weekday_score
    from day_hours

),

times_by_day as (

    select
        customer_id,
        event_date,
        max(hour_score) as hour_score,
        max(weekday_score) as weekday_score
    from time_scores
    group by 1, 2

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

category_items as (

    select
        customer_id,
        event_date,
        'category' as trait,
        top_category as trait_value,
        sum(n_items) as n_items
    from product_days
    group by 1, 2, 4

),

trait_days as (

    select
        days.*,
        coalesce(category_items.n_items, 0) as n_items
    from chosen_traits as days
    left join category_items
        on
            days.customer_id = category_items.customer_id
            and days.event_date = category_items.event_date
            and days.trait = category_items.trait
            and days.trait_value = category_items.trait_value

),

trait_dates as (

    select distinct
        customer_id,
        event_date,
        trait
    from trait_days

),

trait_sums as (

    select
        trait_dates.customer_id,
        trait_dates.event_date,
        trait_dates.trait,
        trait_days.trait_value,
        sum(trait_days.weight) as weight,
        sum(trait_days.n_items) as n_items,
        row_number() over (
            partition by trait_dates.customer_id, trait_dates.event_date, trait_dates.trait
            order by sum(trait_days.weight) desc, trait_days.trait_value
        ) as trait_rank
    from trait_dates
    inner join trait_days
        on
            trait_dates.customer_id = trait_days.customer_id
            and trait_dates.trait = trait_days.trait
            and trait_dates.event_date >= trait_days.event_date
    group by 1, 2, 3, 4

),

-- Three extremes: an ordered list costs five times as much.
top_traits as (

    select
        customer_id,
        event_date,
        trait,
        concat_ws(
            ', ',
            min(case when trait_rank = 1 then trait_value end),
            min(case when trait_rank = 2 then trait_value end),
            min(case when trait_rank = 3 then trait_value end)
        ) as top_values,
        min(case when trait_rank = 1 then trait_value end) as leading_value,
        min(
            case
                when trait_rank = 1
                    then {{ money_per('weight', 'greatest(n_items, 1)') }}
            end
        ) as leading_unit_price
    from trait_sums
    where trait_rank <= 3
    group by 1, 2, 3

),

traits_by_day as (

    select
        customer_id,
        event_date,
        max(case when trait = 'category' then top_values end) as top_categories,
        max(case when trait = 'category' then leading_value end) as leading_category,
        max(case when trait = 'category' then leading_unit_price end) as leading_unit_price,
        max(case when trait = 'brand' then top_values end) as top_brands,
        max(case when trait = 'payment_method' then top_values end) as payment_methods,
        max(case when trait = 'operation_mode' then top_values end) as operation_modes
    from top_traits
    group by 1, 2

),

dates as (

    select
        customer_id,
        event_date
    from times_by_day
    union distinct
    select
        customer_id,
        event_date
    from traits_by_day

),

joined as (

    select
        dates.customer_id,
        dates.event_date,
        times_by_day.hour_score,
        times_by_day.weekday_score,
        coalesce(new_products.n_new_products, 0) as n_new_products,
        traits_by_day.top_categories,
        traits_by_day.leading_category,
        traits_by_day.leading_unit_price,
        traits_by_day.top_brands,
        traits_by_day.payment_methods,
        traits_by_day.operation_modes
    from dates
    left join times_by_day
        on
            dates.customer_id = times_by_day.customer_id
            and dates.event_date = times_by_day.event_date
    left join new_products
        on
            dates.customer_id = new_products.customer_id
            and dates.event_date = new_products.event_date
    left join traits_by_day
        on
            dates.customer_id = traits_by_day.customer_id
            and dates.event_date = traits_by_day.event_date

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
        {{ last_known('top_categories') }} over so_far as top_categories,
        {{ last_known('leading_category') }} over so_far as leading_category,
        {{ last_known('leading_unit_price') }} over so_far as leading_unit_price,
        {{ last_known('top_brands') }} over so_far as top_brands,
        {{ last_known('payment_methods') }} over so_far as payment_methods,
        {{ last_known('operation_modes') }} over so_far as operation_modes
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
    leading_category,
    top_brands,
    payment_methods,
    operation_modes,

    leading_unit_price,
    cast(n_products as bigint) as n_products,
    cast(23 - hour_score % 24 as integer) as preferred_hour_utc,
    cast(7 - weekday_score % 7 as integer) as preferred_weekday
from running
