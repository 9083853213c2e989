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

    email_hash,
    phone_hash,
    country,
    language,
    birth_year,
    gender,

    consent_profiling,
    consent_marketing,

    created_ts as registered_ts,
    updated_ts,

    coalesce(_feed, 'customers') as feed
from ranked
where version_rank = 1
