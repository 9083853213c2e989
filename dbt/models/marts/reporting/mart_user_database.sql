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
    where valid_from < {{ window_end() }} and valid_to > {{ window_start() }}

),

countries as (

    select * from {{ ref('int_customer_countries') }}

),

service as (

    select * from {{ ref('int_customer_service_states') }}
    where valid_from < {{ window_end() }} and valid_to > {{ window_start() }}

),

versions as (

    select
        customer_id,
        language,
        consent_marketing,
        consent_profiling,
        {{ event_day('updated_ts') }} as version_date,
        row_number() over (
            partition by customer_id, {{ event_day('updated_ts') }}
            order by updated_ts desc
        ) as rank_of_day
    from {{ ref('stg_customer_versions') }}

),

version_spans as (

    select
        *,
        lead(version_date, 1, date '9999-12-31') over (
            partition by customer_id order by version_date
        ) as valid_to
    from versions
    where rank_of_day = 1

),

-- One row per customer and day of the window each, so that they meet by equality.
known as (

    select
        {{ each_day(
            'greatest(states.valid_from, days.first_date)',
            'least(' ~ add_days('states.valid_to', -1) ~ ', days.last_date)',
        ) }} as as_of_date,
        states.*,
        {{ money_per('states.gross_base', 'nullif(states.n_items, 0)') }}
            as mean_unit_price
    from states
    -- No row when the window holds no known day: both dates are null then.
    inner join days on states.valid_from <= days.last_date

),

known_habits as (

    select
        {{ each_day(
            'greatest(habits.valid_from, days.first_date)',
            'least(' ~ add_days('habits.valid_to', -1) ~ ', days.last_date)',
        ) }} as as_of_date,
        habits.*
    from habits
    inner join days on habits.valid_from <= days.last_date

),

known_service as (

    select
        {{ each_day(
            'greatest(service.valid_from, days.first_date)',
            'least(' ~ add_days('service.valid_to', -1) ~ ', days.last_date)',
        ) }} as as_of_date,
        service.*
    from service
    inner join days on service.valid_from <= days.last_date

),

-- A customer's price is that of a piece in the category most is spent on, of any where goods have none.
placed as (

    select
        known.*,
        countries.country,
        known_habits.leading_category,
        coalesce(known_habits.leading_unit_price, known.mean_unit_price) as unit_price
    from known
    left join known_habits
        on known.customer_id = known_habits.customer_id and known.as_of_date = known_habits.as_of_date
    left join countries
        on
            known.customer_id = countries.customer_id
            and known.as_of_date >= countries.valid_from
            and known.as_of_date < countries.valid_to

),

-- Thirds of the customers of one market and category by price; equal prices share the middle of their ranks
-- and so their band.
ranked as (

    select
        *,
        rank() over by_price - 1 as n_cheaper,
        count(*) over by_price as n_not_dearer,
        count(unit_price) over (partition by as_of_date, country, leading_category) as n_priced
    from placed
    window by_price as (
        partition by as_of_date, country, leading_category
        order by unit_price nulls last
    )

)

select
    ranked.as_of_date,
    ranked.customer_id,

    ranked.country,
    version_spans.language,
    ranked.first_order_date,
    ranked.last_order_date,

    cast({{ days_between('ranked.last_order_date', 'ranked.as_of_date') }} as bigint) as recency_days,
    cast({{ days_between('ranked.first_order_date', 'ranked.as_of_date') }} as bigint) as tenure_days,
    ranked.n_orders,
    ranked.n_order_days,
    ranked.n_items,
    coalesce(known_habits.n_products, 0) as n_products,
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
    cast(known_service.n_cancelled as double) / nullif(known_service.n_placed, 0) as cancel_rate,
    cast(known_service.n_discounted as double) / nullif(known_service.n_placed, 0) as coupon_share,
    coalesce(known_service.n_deposits, 0) as n_deposit_orders,
    coalesce(known_service.n_balances, 0) as n_deposits_converted,
    coalesce(known_service.n_deliveries, 0) as n_deliveries,
    cast(known_service.delivery_s as double) / 86400
    / nullif(known_service.n_deliveries, 0) as mean_delivery_days,
    coalesce(known_service.duty_base, 0) as duty_paid_base,
    coalesce(known_service.cbec_cny, 0) as cbec_ytd_cny,
    coalesce(known_service.n_sessions, 0) as n_sessions_30d,
    coalesce(known_service.n_active_days, 0) as n_active_days_30d,
    coalesce(known_service.n_views, 0) as n_views_30d,
    coalesce(known_service.n_clicks, 0) as n_clicks_30d,
    coalesce(known_service.n_searches, 0) as n_searches_30d,
    coalesce(known_service.n_carts, 0) as n_carts_30d,
    cast(coalesce(known_service.dwell_ms, 0) * 0.001 as decimal(18, 3)) as dwell_30d_s,
    cast(known_service.n_impression_clicks as double) / nullif(known_service.n_impressions, 0) as ctr_30d,
    known_habits.preferred_hour_utc,
    known_habits.preferred_weekday,

    known_habits.top_categories,
    known_habits.top_brands,
    known_habits.payment_methods,
    known_habits.operation_modes,
    case
        when ranked.unit_price is null then null
        when 3 * (ranked.n_cheaper + ranked.n_not_dearer) < 2 * ranked.n_priced then 'low'
        when 3 * (ranked.n_cheaper + ranked.n_not_dearer) < 4 * ranked.n_priced then 'mid'
        else 'high'
    end as price_band,

    known_service.is_last_delivery_late,
    version_spans.consent_marketing,
    version_spans.consent_profiling
from ranked
left join known_habits
    on ranked.customer_id = known_habits.customer_id and ranked.as_of_date = known_habits.as_of_date
left join known_service
    on ranked.customer_id = known_service.customer_id and ranked.as_of_date = known_service.as_of_date
left join version_spans
    on
        ranked.customer_id = version_spans.customer_id
        and ranked.as_of_date >= version_spans.version_date
        and ranked.as_of_date < version_spans.valid_to
