{{ config(materialized='table', tags=['static']) }}

with

products as (

    select * from {{ ref('stg_products') }}

),

mentions as (

    select
        product_id,
        feed
    from products
    union all
    select
        product_id,
        feed
    from {{ ref('stg_order_lines') }}
    union all
    select
        product_id,
        feed
    from {{ ref('stg_returns') }}
    union all
    select
        product_id,
        feed
    from {{ ref('stg_inventory') }}

),

mentioned as (

    select distinct
        product_id,
        feed
    from mentions

),

charge_codes as (

    select * from {{ ref('non_product_codes') }}

),

classified as (

    select
        mentioned.product_id,
        min(coalesce(exact_codes.charge_kind, prefix_codes.charge_kind)) as charge_kind
    from mentioned
    {{ join_charge_codes('mentioned', 'charge_codes') }}
    group by 1

)

select
    classified.product_id,

    products.title,
    products.brand,
    products.category_path,
    products.top_category,

    products.unit_cost,
    products.list_price,
    products.currency,
    products.weight_kg,
    products.length_cm,
    products.width_cm,
    products.height_cm,

    products.has_battery,
    products.is_liquid,
    products.is_hazard,

    products.status,
    classified.charge_kind,
    classified.charge_kind is null as is_product,
    products.product_id is not null as is_in_catalogue
from classified
left join products on classified.product_id = products.product_id
