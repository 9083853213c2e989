{{ config(materialized='table', tags=['static']) }}

with

calendar as (

    select * from {{ ref('stg_calendar') }}

),

all_dates as (

    select order_date as date_day from {{ ref('stg_orders') }}
    union all
    select return_date as date_day from {{ ref('stg_returns') }}
    union all
    select calendar_date as date_day from calendar

),

bounds as (

    select
        min(date_day) as first_day,
        max(date_day) as last_day
    from all_dates

),

days as (

    select {{ each_day('first_day', 'last_day') }} as date_day
    from bounds

),

marked as (

    select
        calendar_date as date_day,
        max(case when kind = 'holiday' then 1 else 0 end) = 1 as is_holiday_somewhere,
        max(case when kind = 'promotion' then 1 else 0 end) = 1 as is_promotion_somewhere,
        max(case when kind = 'customs_closed' then 1 else 0 end) = 1 as is_customs_closed_somewhere
    from calendar
    group by 1

)

select
    days.date_day,

    cast(extract(year from days.date_day) as integer) as calendar_year,
    cast(extract(quarter from days.date_day) as integer) as calendar_quarter,
    cast(extract(month from days.date_day) as integer) as calendar_month,
    cast(extract(day from days.date_day) as integer) as day_of_month,
    cast({{ iso_year('days.date_day') }} as integer) as iso_year,
    cast(extract(week from days.date_day) as integer) as iso_week,
    cast({{ iso_weekday('days.date_day') }} as integer) as iso_weekday,

    {{ iso_weekday('days.date_day') }} >= 6 as is_weekend,
    coalesce(marked.is_holiday_somewhere, false) as is_holiday_somewhere,
    coalesce(marked.is_promotion_somewhere, false) as is_promotion_somewhere,
    coalesce(marked.is_customs_closed_somewhere, false) as is_customs_closed_somewhere
from days
left join marked on days.date_day = marked.date_day
