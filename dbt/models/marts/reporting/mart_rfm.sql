{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('as_of_date') }}",
    partition_by='as_of_date',
    tags=['event_day'],
) }}

with

-- One day more than the window: moves compare a day with the one before, which need not be built yet.
days as (

    select
        min(event_date) as first_date,
        max(event_date) as last_date
    from {{ ref('int_event_days') }}
    where event_date >= {{ add_days(window_start(), -1) }} and event_date < {{ window_end() }}

),

states as (

    select * from {{ ref('int_customer_states') }}
    where valid_from < {{ window_end() }} and valid_to > {{ add_days(window_start(), -1) }}

),

segment_names as (

    select * from {{ ref('segment_names') }}

),

scores as (

    select 1 as score
    union all
    select 2 as score
    union all
    select 3 as score
    union all
    select 4 as score
    union all
    select 5 as score

),

grid as (

    select
        r.score as r_score,
        fm.score as fm_score,
        segment_names.segment
    from segment_names
    inner join scores as r on segment_names.r_min <= r.score and segment_names.r_max >= r.score
    inner join scores as fm on segment_names.fm_min <= fm.score and segment_names.fm_max >= fm.score

),

expanded as (

    select
        {{ each_day(
            'greatest(states.valid_from, days.first_date)',
            'least(' ~ add_days('states.valid_to', -1) ~ ', days.last_date)',
        ) }} as as_of_date,
        states.*
    from states
    inner join days on states.valid_from <= days.last_date

),

measured as (

    select
        as_of_date,
        customer_id,
        cast({{ days_between('last_order_date', 'as_of_date') }} as bigint) as recency_days,
        n_orders_365d as frequency_orders,
        net_base_365d as monetary_base
    from expanded

),

-- Customers below a value and customers not above it: their mean is the middle rank that equal values share.
ranked as (

    select
        *,
        count(*) over (partition by as_of_date) as n_customers,
        rank() over by_recency - 1 + count(*) over by_recency as r_ranks,
        rank() over by_frequency - 1 + count(*) over by_frequency as f_ranks,
        rank() over by_monetary - 1 + count(*) over by_monetary as m_ranks
    from measured
    window
        by_recency as (partition by as_of_date order by recency_days desc),
        by_frequency as (partition by as_of_date order by frequency_orders),
        by_monetary as (partition by as_of_date order by monetary_base)

),

scored as (

    select
        as_of_date,
        customer_id,
        recency_days,
        frequency_orders,
        monetary_base,
        1 + {{ whole_quotient('5 * r_ranks', '2 * n_customers') }} as r_score,
        1 + {{ whole_quotient('5 * f_ranks', '2 * n_customers') }} as f_score,
        1 + {{ whole_quotient('5 * m_ranks', '2 * n_customers') }} as m_score
    from ranked

),

named as (

    select
        scored.*,
        grid.segment
    from scored
    inner join grid
        on
            scored.r_score = grid.r_score
            -- The mean of both scores, halves upwards.
            and {{ whole_quotient('scored.f_score + scored.m_score + 1', '2') }} = grid.fm_score

),

compared as (

    select
        *,
        lag(segment) over (partition by customer_id order by as_of_date) as previous_segment,
        lag(r_score) over (partition by customer_id order by as_of_date) as previous_r_score,
        lag(f_score) over (partition by customer_id order by as_of_date) as previous_f_score,
        lag(m_score) over (partition by customer_id order by as_of_date) as previous_m_score,
        lag(frequency_orders) over (
            partition by customer_id order by as_of_date
        ) as previous_frequency_orders,
        lag(monetary_base) over (partition by customer_id order by as_of_date) as previous_monetary_base
    from named

)

select
    as_of_date,
    customer_id,

    recency_days,
    frequency_orders,
    monetary_base,
    cast(r_score as integer) as r_score,
    cast(f_score as integer) as f_score,
    cast(m_score as integer) as m_score,
    cast(previous_r_score as integer) as previous_r_score,
    cast(previous_f_score as integer) as previous_f_score,
    cast(previous_m_score as integer) as previous_m_score,
    previous_frequency_orders,

    segment,
    previous_segment,
    cast(monetary_base - coalesce(previous_monetary_base, 0) as decimal(18, 4)) as monetary_base_change
from compared
where {{ in_window('as_of_date') }}
