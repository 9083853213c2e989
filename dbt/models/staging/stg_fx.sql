with

source as (

    select * from {{ source('raw', 'fx_rates') }}

),

ranked as (

    select
        *,
        {{ version_rank(['rate_date', 'currency']) }} as version_rank
    from source

)

select
    rate_date,
    currency,

    source,

    cast(rate_to_base as decimal(18, 8)) as rate_to_base
from ranked
where version_rank = 1
