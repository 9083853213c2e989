{{ config(materialized='ephemeral') }}

{% set for_good = ['n_placed', 'n_cancelled', 'n_discounted', 'duty_base'] %}
{% set of_payments_and_deliveries = [
    'n_deposits', 'n_balances', 'n_deliveries', 'delivery_s', 'n_promised', 'n_late',
] %}
{% set of_30_days = [
    'n_sessions', 'n_active_days', 'n_views', 'n_clicks', 'n_searches', 'n_carts', 'dwell_ms', 'n_impressions',
    'n_impression_clicks',
] %}

with

service_days as (

    select * from {{ ref('int_customer_service_days') }}
    where event_date < {{ window_end() }}

),

-- What a day adds to the sums, what leaves the trailing 30 days, what the new year takes off the limit.
steps as (

    select
        customer_id,
        {{ counted_from('event_date') }} as valid_from,
        n_placed,
        n_cancelled,
        n_discounted,
        duty_base,
        cbec_cny,
        n_deposits,
        n_balances,
        n_deliveries,
        delivery_s,
        n_promised,
        n_late,
        n_sessions,
        case when n_sessions > 0 then 1 else 0 end as n_active_days,
        n_views,
        n_clicks,
        n_searches,
        n_carts,
        dwell_ms,
        n_impressions,
        n_impression_clicks,
        -- The last day wins; odd where a parcel of it was late.
        case
            when n_promised > 0
                then
                    2 * {{ days_between("date '1970-01-01'", 'event_date') }}
                    + case when n_late > 0 then 1 else 0 end
        end as promise_score
    from service_days
    union all
    select
        customer_id,
        {{ counted_from(add_days('event_date', 30)) }} as valid_from,
        {{ zeros(for_good + ['cbec_cny'] + of_payments_and_deliveries) }},
        -n_sessions as n_sessions,
        case when n_sessions > 0 then -1 else 0 end as n_active_days,
        -n_views as n_views,
        -n_clicks as n_clicks,
        -n_searches as n_searches,
        -n_carts as n_carts,
        -dwell_ms as dwell_ms,
        -n_impressions as n_impressions,
        -n_impression_clicks as n_impression_clicks,
        null as promise_score
    from service_days
    where n_sessions + n_impressions > 0
    union all
    select
        customer_id,
        {{ counted_from(
            "cast(concat(cast(extract(year from event_date) + 1 as string), '-01-01') as date)"
        ) }} as valid_from,
        {{ zeros(for_good) }},
        -cbec_cny as cbec_cny,
        {{ zeros(of_payments_and_deliveries + of_30_days) }},
        null as promise_score
    from service_days
    where cbec_cny <> 0

),

changes as (

    select
        customer_id,
        valid_from,
        {{ sums(for_good + ['cbec_cny'] + of_payments_and_deliveries + of_30_days) }},
        max(promise_score) as promise_score
    from steps
    where valid_from < {{ window_end() }}
    group by 1, 2

)

select
    customer_id,
    valid_from,
    lead(valid_from, 1, date '9999-12-31') over (partition by customer_id order by valid_from) as valid_to,

    {% for column in [
        'n_placed', 'n_cancelled', 'n_discounted', 'n_deposits', 'n_balances', 'n_deliveries', 'delivery_s',
        'n_sessions', 'n_active_days', 'n_views', 'n_clicks', 'n_searches', 'n_carts', 'dwell_ms', 'n_impressions',
        'n_impression_clicks',
    ] %}
        cast(sum({{ column }}) over so_far as bigint) as {{ column }},
    {% endfor %}
    cast(sum(duty_base) over so_far as decimal(18, 4)) as duty_base,
    cast(sum(cbec_cny) over so_far as decimal(18, 4)) as cbec_cny,
    -- Of the last day on which a parcel with a promise came: whether one of them was late.
    max(promise_score) over so_far % 2 = 1 as is_last_delivery_late
from changes
window so_far as (
    partition by customer_id
    order by valid_from
    rows between unbounded preceding and current row
)
