{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('index_date') }}",
    partition_by='index_date',
    tags=['event_day'],
) }}

-- A price holds until the listing is seen again, for 7 days at most. A jump by a factor of 5 or more is held
-- back until a second observation confirms it, as decimal slips (x10, x100) look like that; neighbours more
-- than 30 days away do not count. 37 days before the window are all that its days depend on.
with

versions as (

    select
        product_id,
        gtin,
        currency,
        list_price,
        {{ event_day('valid_from') }} as first_date,
        row_number() over (
            partition by product_id, {{ event_day('valid_from') }} order by valid_from desc
        ) as day_rank
    from {{ ref('stg_product_versions') }}

),

products as (

    select
        product_id,
        gtin,
        currency,
        list_price,
        first_date,
        coalesce(
            lead(first_date) over (partition by product_id order by first_date), date '9999-12-31'
        ) as end_date
    from versions
    where day_rank = 1

),

candidates as (

    select
        observations.competitor,
        observations.listing_id,
        observations.market,
        observations.currency,
        observations.price,
        observations.shipping,
        observations.in_stock,
        observations.observed_date,
        observations.observed_ts,
        coalesce(observations.product_id, products.product_id) as product_id,
        row_number() over (
            partition by observations.competitor, observations.listing_id, observations.observed_ts
            order by products.product_id
        ) as match_rank
    from {{ ref('stg_competitor_observations') }} as observations
    left join products
        on
            observations.product_id is null
            and observations.gtin = products.gtin
            and observations.observed_date >= products.first_date
            and observations.observed_date < products.end_date
    where
        observations.observed_date >= {{ add_days(window_start(), -37) }}
        and observations.observed_date < {{ window_end() }}

),

observations as (

    select * from candidates
    where match_rank = 1 and product_id is not null

),

sequenced as (

    select
        *,
        lag(price, 1) over (
            partition by competitor, listing_id, currency order by observed_ts
        ) as price_before,
        lag(observed_date, 1) over (
            partition by competitor, listing_id, currency order by observed_ts
        ) as date_before,
        lag(price, 2) over (
            partition by competitor, listing_id, currency order by observed_ts
        ) as price_earlier,
        lag(observed_date, 2) over (
            partition by competitor, listing_id, currency order by observed_ts
        ) as date_earlier
    from observations

),

compared as (

    select
        *,
        coalesce(
            {{ days_between('date_before', 'observed_date') }} <= 30
            and (price >= 5 * price_before or 5 * price <= price_before),
            false
        ) as is_jump,
        coalesce(
            {{ days_between('date_earlier', 'observed_date') }} <= 30
            and price < 1.5 * price_earlier and 1.5 * price > price_earlier,
            false
        ) as is_return
    from sequenced

),

judged as (

    select
        *,
        is_jump and not is_return as is_held
    from compared

),

accepted as (

    select
        *,
        row_number() over (
            partition by competitor, listing_id, observed_date order by observed_ts desc
        ) as day_rank
    from judged
    where not is_held

),

followed as (

    select
        *,
        lead(observed_date) over (partition by competitor, listing_id order by observed_date) as seen_next,
        max(observed_date) over () as last_observed
    from accepted
    where day_rank = 1

),

spans as (

    select
        competitor,
        listing_id,
        product_id,
        market,
        currency,
        price + coalesce(shipping, 0) as price_shipped,
        in_stock,
        greatest(observed_date, {{ window_start() }}) as first_date,
        least(
            coalesce(
                {{ add_days('seen_next', -1) }},
                {{ add_days('observed_date', 6) }}
            ),
            {{ add_days('observed_date', 6) }},
            greatest(last_observed, {{ add_days(known_until(), -1) }}),
            {{ add_days(window_end(), -1) }}
        ) as last_date
    from followed

),

listing_days as (

    select
        *,
        {{ each_day('first_date', 'last_date') }} as index_date
    from spans
    where first_date <= last_date

),

priced as (

    select
        listing_days.product_id,
        listing_days.market,
        listing_days.index_date,
        listing_days.competitor,
        listing_days.in_stock,
        {{ to_base('listing_days.price_shipped', 'fx.rate_to_base') }} as price_base
    from listing_days
    left join {{ ref('int_fx_daily') }} as fx
        on listing_days.currency = fx.currency and listing_days.index_date = fx.fx_date

),

competitors as (

    select
        product_id,
        market,
        index_date,
        count(*) as n_listings,
        count(distinct competitor) as n_competitors,
        count(case when in_stock then 1 end) as n_in_stock,
        min(case when in_stock then price_base end) as lowest_price_base,
        {{ money_per('cast(sum(price_base) as decimal(18, 4))', 'nullif(count(price_base), 0)') }}
            as mean_price_base
    from priced
    group by 1, 2, 3

),

held as (

    select
        product_id,
        market,
        observed_date as index_date,
        count(*) as n_held
    from judged
    where is_held and {{ in_window('observed_date') }}
    group by 1, 2, 3

),

joined as (

    select
        competitors.*,
        coalesce(held.n_held, 0) as n_held,
        {{ to_base('products.list_price', 'fx.rate_to_base') }} as own_price_base
    from competitors
    left join held
        on
            competitors.product_id = held.product_id
            and competitors.market = held.market
            and competitors.index_date = held.index_date
    left join products
        on
            competitors.product_id = products.product_id
            and competitors.index_date >= products.first_date
            and competitors.index_date < products.end_date
    left join {{ ref('int_fx_daily') }} as fx
        on products.currency = fx.currency and competitors.index_date = fx.fx_date

)

select
    product_id,
    market,
    index_date,

    own_price_base,
    lowest_price_base,
    mean_price_base,
    100 * cast(own_price_base as double) / cast(nullif(mean_price_base, 0) as double) as price_index,
    n_listings,
    n_competitors,
    n_in_stock,
    n_held
from joined
