{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('event_date') }}",
    partition_by='event_date',
    tags=['event_day'],
) }}

{% set of_events = ['n_views', 'n_search_matches', 'n_clicks', 'n_long_dwells', 'n_wishes', 'n_carts'] %}
{% set of_orders = ['n_purchases', 'n_returns'] %}
{% set of_exposures = ['n_impressions', 'n_impression_clicks'] %}

with

events as {{ not_kept() }} (

    select
        *,
        coalesce(
            product_id,
            case
                when is_page and page_type = 'category' and category_path is not null
                    then concat('category:', category_path)
            end
        ) as item_id
    from {{ ref('int_events') }}
    where {{ missing_history('event_date') }} and bot_rule is null

),

bots as (

    select distinct
        session_key,
        event_date
    from {{ ref('int_events') }}
    where {{ missing_history('event_date') }} and bot_rule is not null

),

visits as (

    select
        session_key,
        event_date,
        min(country) as country,
        case when min(customer_id) = max(customer_id) then min(customer_id) end as customer_id
    from events
    where not is_inferred
    group by 1, 2

),

-- Shown and come into sight, once per visit, slot and product. Without a word of sight it counts.
shown as (

    select
        impression_date as event_date,
        session_id,
        slot_id,
        product_id,
        max(customer_id) as customer_id,
        count(*) as n_impressions
    from {{ ref('stg_impressions') }}
    where
        {{ missing_history('impression_date', 'event_date') }}
        and product_id is not null
        and viewable is not false
    group by 1, 2, 3, 4

),

slot_clicks as (

    select
        event_date,
        session_key,
        placement,
        product_id,
        count(*) as n_clicks
    from events
    where event_type = 'click' and product_id is not null and placement is not null
    group by 1, 2, 3, 4

),

-- A click without an impression is a click, and says nothing of how often what is shown is clicked.
exposures as (

    select
        shown.event_date,
        coalesce(shown.customer_id, visits.customer_id) as customer_id,
        visits.country,
        shown.product_id as item_id,
        shown.n_impressions,
        least(shown.n_impressions, coalesce(slot_clicks.n_clicks, 0)) as n_impression_clicks
    from shown
    left join visits on shown.session_id = visits.session_key and shown.event_date = visits.event_date
    left join slot_clicks
        on
            shown.session_id = slot_clicks.session_key
            and shown.event_date = slot_clicks.event_date
            and shown.slot_id = slot_clicks.placement
            and shown.product_id = slot_clicks.product_id
    left join bots on shown.session_id = bots.session_key and shown.event_date = bots.event_date
    where bots.session_key is null

),

parts as (

    select
        event_date,
        customer_id,
        country,
        item_id,
        sum(case when event_type in ('view', 'item_view') then 1 else 0 end) as n_views,
        sum(case when event_type = 'click' and page_type = 'search' then 1 else 0 end) as n_search_matches,
        sum(
            case when event_type = 'click' and page_type is distinct from 'search' then 1 else 0 end
        ) as n_clicks,
        sum(case when dwell_s >= 30 then 1 else 0 end) as n_long_dwells,
        sum(case when event_type = 'wishlist' then 1 else 0 end) as n_wishes,
        sum(case when event_type = 'add_to_cart' then 1 else 0 end) as n_carts,
        {{ zeros(of_orders + of_exposures) }}
    from events
    where item_id is not null and event_type in ('view', 'item_view', 'click', 'wishlist', 'add_to_cart')
    group by 1, 2, 3, 4
    union all
    select
        event_date,
        customer_id,
        country,
        item_id,
        {{ zeros(of_events + of_orders) }},
        n_impressions,
        n_impression_clicks
    from exposures
    union all
    select
        event_date,
        customer_id,
        null as country,
        product_id as item_id,
        {{ zeros(of_events) }},
        n_lines as n_purchases,
        {{ zeros(['n_returns'] + of_exposures) }}
    from {{ ref('int_customer_product_days') }}
    where {{ missing_history('event_date') }}
    union all
    select
        return_date as event_date,
        customer_id,
        null as country,
        product_id as item_id,
        {{ zeros(of_events + ['n_purchases']) }},
        1 as n_returns,
        {{ zeros(of_exposures) }}
    from {{ ref('int_return_matches') }}
    where {{ missing_history('return_date', 'event_date') }} and customer_id is not null and is_product

)

select
    event_date,
    customer_id,
    item_id,

    country,

    cast(sum(n_views) as bigint) as n_views,
    cast(sum(n_search_matches) as bigint) as n_search_matches,
    cast(sum(n_clicks) as bigint) as n_clicks,
    cast(sum(n_long_dwells) as bigint) as n_long_dwells,
    cast(sum(n_wishes) as bigint) as n_wishes,
    cast(sum(n_carts) as bigint) as n_carts,
    cast(sum(n_purchases) as bigint) as n_purchases,
    cast(sum(n_returns) as bigint) as n_returns,
    cast(sum(n_impressions) as bigint) as n_impressions,
    cast(sum(n_impression_clicks) as bigint) as n_impression_clicks
from parts
group by 1, 2, 3, 4
