{{ config(materialized='view', tags=['static']) }}

with

versions as (

    select
        product_id,
        top_category,
        {{ event_day('valid_from') }} as version_date,
        row_number() over (
            partition by product_id, {{ event_day('valid_from') }}
            order by valid_from desc
        ) as rank_of_day
    from {{ ref('stg_product_versions') }}
    where top_category is not null

),

changes as (

    select
        product_id,
        top_category,
        version_date,
        lag(top_category) over (partition by product_id order by version_date) as previous_category
    from versions
    where rank_of_day = 1

)

select
    product_id,

    top_category,

    version_date as valid_from,
    lead(version_date, 1, date '9999-12-31') over (partition by product_id order by version_date) as valid_to
from changes
where previous_category is null or previous_category <> top_category
