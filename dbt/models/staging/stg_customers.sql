with

source as (

    select * from {{ source('raw', 'customers') }}

),

ranked as (

    select
        *,
        {{ version_rank(['customer_id'], 'updated_ts') }} as version_rank
    from source

)

select
    customer_id,

    country,
    region,
    city,
    postal_code,
    lat,
    lon,
    language,
    birth_year,
    gender,
    acquisition_channel,
    registration_status,

    id_verified as is_id_verified,
    consent_marketing,
    consent_profiling,

    created_ts as registered_ts,
    updated_ts,
    deleted_ts,

    coalesce(_feed, 'customers') as feed
from ranked
where version_rank = 1
