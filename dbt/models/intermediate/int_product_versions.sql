{{ config(materialized='view', tags=['static']) }}

with

versions as (

    select
        product_id,
        {{ event_day('valid_from') }} as version_date,
        {{ last_known('top_category') }} over so_far as top_category,
        {{ last_known('brand') }} over so_far as brand,
        {{ last_known('unit_cost') }} over so_far as unit_cost,
        {{ last_known('case when unit_cost is not null then currency end') }} over so_far as cost_currency,
        row_number() over (
            partition by product_id, {{ event_day('valid_from') }}
            order by valid_from desc
        ) as rank_of_day
    from {{ ref('stg_product_versions') }}
    window so_far as (
        partition by product_id
        order by valid_from
        rows between unbounded preceding and current row
    )

)

select
    product_id,

    top_category,
    brand,
    cost_currency,

    unit_cost,

    version_date as valid_from,
    lead(version_date, 1, date '9999-12-31') over (partition by product_id order by version_date) as valid_to
from versions
where rank_of_day = 1
