{{ config(materialized='view', tags=['event_day']) }}

with

signals as (

    select * from {{ ref('int_item_signals') }}

),

-- One row: what each signal weighs.
weights as (

    select
        max(case when signal = 'view' then weight end) as view_weight,
        max(case when signal = 'click' then weight end) as click_weight,
        max(case when signal = 'search_match' then weight end) as search_match_weight,
        max(case when signal = 'long_dwell' then weight end) as long_dwell_weight,
        max(case when signal = 'wishlist' then weight end) as wishlist_weight,
        max(case when signal = 'add_to_cart' then weight end) as add_to_cart_weight,
        max(case when signal = 'purchase' then weight end) as purchase_weight,
        max(case when signal = 'return' then weight end) as return_weight
    from {{ ref('preference_weights') }}

)

select
    signals.event_date,
    signals.customer_id,
    signals.item_id,

    signals.country,

    signals.n_views * weights.view_weight
    + signals.n_clicks * weights.click_weight
    + signals.n_search_matches * weights.search_match_weight
    + signals.n_long_dwells * weights.long_dwell_weight
    + signals.n_wishes * weights.wishlist_weight
    + signals.n_carts * weights.add_to_cart_weight as browsing_weight,
    signals.n_purchases * weights.purchase_weight
    + signals.n_returns * weights.return_weight as frequency_weight,
    signals.n_views
    + signals.n_clicks
    + signals.n_search_matches
    + signals.n_wishes
    + signals.n_carts
    + signals.n_purchases
    + signals.n_returns as n_events,
    signals.n_views,
    signals.n_impressions,
    signals.n_impression_clicks
from signals
cross join weights
