with

source as (

    select * from {{ source('raw', 'customers') }}

),

ranked as (

    select
        *,
        {{ version_rank(['customer_id', 'updated_ts']) }} as version_rank
    from source

)

select
    customer_id,

    country,
    birth_year,
    consent_profiling,

    updated_ts,

    coalesce(_feed, 'customers') as feed
from ranked
where version_rank = 1
