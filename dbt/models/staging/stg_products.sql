with

source as (

    select * from {{ source('raw', 'products') }}

),

ranked as (

    select
        *,
        {{ version_rank(['product_id'], 'valid_from') }} as version_rank
    from source

)

select
    product_id,

    sku,
    title,
    brand,
    category_path,
    {{ first_level('category_path') }} as top_category,
    attributes,
    gtin,
    hs_code,
    origin_country,
    currency,
    status,
    un_number,

    cast(unit_cost as decimal(18, 4)) as unit_cost,
    cast(list_price as decimal(18, 4)) as list_price,
    weight_kg,
    length_cm,
    width_cm,
    height_cm,
    shelf_life_days,

    has_battery,
    is_liquid,
    is_hazard,
    is_food,

    launch_date,
    valid_from,

    coalesce(_feed, 'products') as feed
from ranked
where version_rank = 1
