{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('fx_date') }}",
    partition_by='fx_date',
    tags=['event_day'],
) }}

with

rates as (

    select * from {{ ref('stg_fx') }}

),

days as (

    select event_date as fx_date
    from {{ ref('int_event_days') }}
    where {{ missing_history('event_date', 'fx_date') }}

),

quoted as (

    select
        currency,
        rate_to_base,
        rate_date,
        -- A rate is good until the next one comes, and for 7 days at most.
        least(
            lead(rate_date) over (partition by currency order by rate_date),
            {{ add_days('rate_date', 8) }}
        ) as good_until
    from rates
    where currency <> '{{ base_currency() }}'

),

filled as (

    select
        quoted.currency,
        days.fx_date,
        quoted.rate_to_base,
        quoted.rate_date
    from days
    inner join quoted on days.fx_date >= quoted.rate_date and days.fx_date < quoted.good_until

),

base as (

    select
        '{{ base_currency() }}' as currency,
        fx_date,
        cast(1 as decimal(18, 8)) as rate_to_base,
        fx_date as rate_date
    from days

),

unioned as (

    select * from filled
    union all
    select * from base

)

select
    currency,
    fx_date,
    rate_to_base,
    rate_date,
    cast({{ days_between('rate_date', 'fx_date') }} as integer) as age_days
from unioned
