with

source as (

    select * from {{ source('raw', 'payments') }}

),

ranked as (

    select
        *,
        {{ version_rank(['payment_id']) }} as version_rank
    from source

)

select
    payment_id,
    order_id,

    kind,
    status,
    currency,
    method,

    cast(amount as decimal(18, 4)) as amount,

    status = 'succeeded' as is_succeeded,

    {{ event_day('paid_ts') }} as paid_date,
    paid_ts,
    due_ts,

    coalesce(_feed, 'payments') as feed
from ranked
where version_rank = 1
