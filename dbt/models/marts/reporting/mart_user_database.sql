{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('as_of_date') }}",
    partition_by='as_of_date',
    tags=['event_day'],
) }}

with

days as (

    select
        min(event_date) as first_date,
        max(event_date) as last_date
    from {{ ref('int_event_days') }}
    where {{ in_window('event_date') }}

),

states as (

    select * from {{ ref('int_customer_states') }}
    where valid_from < {{ window_end() }} and valid_to > {{ window_start() }}

),

habits as (

    select * from {{ ref('int_customer_habits') }}

),

countries as (

    select * from {{ ref('int_customer_countries') }}

),

-- Habits change on order days only, which are days of a new state: one row of habits per state.
states_with_habits as (

    select
        states.*,
        habits.n_products,
        habits.preferred_hour_utc,
        habits.preferred_weekday,
        habits.top_categories
    from states
    left join habits
        on
            states.customer_id = habits.customer_id
            and states.valid_from >= habits.valid_from
            and states.valid_from < habits.valid_to

),

known as (

    select
        {{ each_day(
            'greatest(states_with_habits.valid_from, days.first_date)',
            'least(' ~ add_days('states_with_habits.valid_to', -1) ~ ', days.last_date)',
        ) }} as as_of_date,
        states_with_habits.*,
        {{ money_per('states_with_habits.gross_base', 'nullif(states_with_habits.n_items, 0)') }}
            as mean_unit_price
    from states_with_habits
    -- No row when the window holds no known day: both dates are null then.
    inner join days on states_with_habits.valid_from <= days.last_date

),

-- Thirds of the customers by mean unit price; equal prices share the middle of their ranks and so their band.
ranked as (

    select
        *,
        rank() over by_price - 1 as n_cheaper,
        count(*) over by_price as n_not_dearer,
        count(mean_unit_price) over (partition by as_of_date) as n_priced
    from known
    window by_price as (partition by as_of_date order by mean_unit_price nulls last)

)

select
    ranked.as_of_date,
    ranked.customer_id,

    countries.country,
    ranked.first_order_date,
    ranked.last_order_date,

    cast({{ days_between('ranked.last_order_date', 'ranked.as_of_date') }} as bigint) as recency_days,
    cast({{ days_between('ranked.first_order_date', 'ranked.as_of_date') }} as bigint) as tenure_days,
    ranked.n_orders,
    ranked.n_order_days,
    ranked.n_items,
    coalesce(ranked.n_products, 0) as n_products,
    ranked.gross_base,
    ranked.returns_base,
    ranked.net_base,
    ranked.repeat_gross_base,
    ranked.costed_base,
    ranked.margin_base,
    {{ money_per('ranked.gross_base', 'ranked.n_orders') }} as aov_base,
    cast(ranked.n_items as double) / ranked.n_orders as items_per_order,
    cast(ranked.returns_base as double) / cast(nullif(ranked.gross_base, 0) as double) as return_rate,
    cast({{ days_between('ranked.first_order_date', 'ranked.last_order_date') }} as double)
    / nullif(ranked.n_order_days - 1, 0) as mean_gap_days,
    ranked.n_orders_365d,
    ranked.net_base_365d,
    ranked.n_orders_90d,
    ranked.net_base_90d,
    ranked.preferred_hour_utc,
    ranked.preferred_weekday,

    ranked.top_categories,
    case
        when ranked.mean_unit_price is null then null
        when 3 * (ranked.n_cheaper + ranked.n_not_dearer) < 2 * ranked.n_priced then 'low'
        when 3 * (ranked.n_cheaper + ranked.n_not_dearer) < 4 * ranked.n_priced then 'mid'
        else 'high'
    end as price_band
from ranked
left join countries
    on
        ranked.customer_id = countries.customer_id
        and ranked.as_of_date >= countries.valid_from
        and ranked.as_of_date < countries.valid_to
