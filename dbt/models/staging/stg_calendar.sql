with

source as (

    select * from {{ source('raw', 'calendar') }}

),

ranked as (

    select
        *,
        {{ version_rank(['calendar_date', 'market', 'kind', 'name']) }} as version_rank
    from source

)

select
    calendar_date,
    market,
    kind,
    name,

    uplift_group
from ranked
where version_rank = 1
