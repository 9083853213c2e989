with

source as (

    select * from {{ source('raw', 'products') }}

),

ranked as (

    select
        *,
        {{ version_rank(['product_id', 'valid_from']) }} as version_rank
    from source

)

select
    product_id,

    category_path,
    {{ first_level('category_path') }} as top_category,
    brand,
    attributes,
    gtin,
    currency,

    cast(list_price as decimal(18, 4)) as list_price,
    cast(unit_cost as decimal(18, 4)) as unit_cost,

    valid_from,

    coalesce(_feed, 'products') as feed
from ranked
where version_rank = 1
