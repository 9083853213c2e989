{{ config(materialized='view', tags=['static']) }}

with

versions as (

    select
        customer_id,
        country,
        {{ event_day('updated_ts') }} as version_date,
        row_number() over (
            partition by customer_id, {{ event_day('updated_ts') }}
            order by updated_ts desc
        ) as rank_of_day
    from {{ ref('stg_customer_versions') }}
    where country is not null

),

changes as (

    select
        customer_id,
        country,
        version_date,
        lag(country) over (partition by customer_id order by version_date) as previous_country
    from versions
    where rank_of_day = 1

)

select
    customer_id,

    country,

    version_date as valid_from,
    lead(version_date, 1, date '9999-12-31') over (partition by customer_id order by version_date) as valid_to
from changes
where previous_country is null or previous_country <> country
