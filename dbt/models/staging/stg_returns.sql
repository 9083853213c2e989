with

source as (

    select * from {{ source('raw', 'returns') }}

),

ranked as (

    select
        *,
        {{ version_rank(['return_id']) }} as version_rank
    from source

)

select
    return_id,
    order_id,
    line_no,
    {{ known_customer('customer_id') }} as customer_id,
    product_id,

    currency,
    reason,
    disposition,

    qty,
    cast(unit_price as decimal(18, 4)) as unit_price,
    cast(refund as decimal(18, 4)) as refund,
    coalesce(_duplicate_records, 0) as duplicate_records,

    {{ event_day('opened_ts') }} as return_date,
    opened_ts,
    received_ts,

    coalesce(_feed, 'returns') as feed
from ranked
where version_rank = 1
