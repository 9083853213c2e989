with

source as (

    select * from {{ source('raw', 'order_lines') }}

),

ranked as (

    select
        *,
        {{ version_rank(['order_id', 'line_no']) }} as version_rank
    from source

)

select
    order_id,
    line_no,
    product_id,

    currency,

    qty,
    cast(unit_price as decimal(18, 4)) as unit_price,
    cast(coalesce(discount, 0) as decimal(18, 4)) as discount,
    cast(qty * unit_price - coalesce(discount, 0) as decimal(18, 4)) as line_total,
    coalesce(_duplicate_records, 0) as duplicate_records,

    coalesce(is_gift, false) and unit_price > 0 as is_gift,

    coalesce(_feed, 'order_lines') as feed
from ranked
where version_rank = 1
