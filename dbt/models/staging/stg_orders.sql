with

source as (

    select * from {{ source('raw', 'orders') }}

),

ranked as (

    select
        *,
        {{ version_rank(['order_id'], 'updated_ts') }} as version_rank
    from source

)

select
    order_id,
    {{ known_customer('customer_id') }} as customer_id,
    presale_id,

    status,
    channel,
    market,
    ship_country,
    ship_region,
    ship_postal,
    currency,
    incoterm,
    operation_mode,

    ship_lat,
    ship_lon,
    cast(goods_total as decimal(18, 4)) as stated_goods_total,
    cast(shipping_fee as decimal(18, 4)) as shipping_fee,
    cast(discount as decimal(18, 4)) as discount,
    cast(tax as decimal(18, 4)) as tax,
    cast(duty as decimal(18, 4)) as duty,
    promised_days,

    coalesce(is_presale, false) as is_presale,
    status in ('paid', 'shipped', 'delivered') as is_paid,

    {{ event_day('order_ts') }} as order_date,
    order_ts,
    updated_ts,

    coalesce(_feed, 'orders') as feed
from ranked
where version_rank = 1
