{{ config(materialized='table', tags=['static']) }}

with

versions as (

    select
        product_id,
        brand,
        category_path,
        top_category,
        attributes,
        {{ event_day('valid_from') }} as version_date,
        row_number() over (
            partition by product_id, {{ event_day('valid_from') }}
            order by valid_from desc
        ) as rank_of_day
    from {{ ref('stg_product_versions') }}

),

marked as (

    select
        *,
        concat_ws('|', brand, category_path, attributes) as described,
        lag(concat_ws('|', brand, category_path, attributes)) over (
            partition by product_id order by version_date
        ) as previously_described
    from versions
    where rank_of_day = 1

),

spans as (

    select
        *,
        version_date as valid_from,
        lead(version_date, 1, date '9999-12-31') over (
            partition by product_id order by version_date
        ) as valid_to
    from marked
    where previously_described is null or previously_described <> described

),

named as (

    select
        product_id,
        valid_from,
        valid_to,
        attributes,
        {{ each_json_name('attributes') }} as attribute
    from spans
    where attributes is not null

),

product_attributes as (

    select
        product_id as item_id,
        attribute,
        {{ json_scalar('attributes', 'attribute') }} as attribute_value,
        valid_from,
        valid_to
    from named
    where attribute not in ('brand', 'category', 'product_type', 'top_category')
    union all
    select
        product_id as item_id,
        'brand' as attribute,
        brand as attribute_value,
        valid_from,
        valid_to
    from spans
    union all
    select
        product_id as item_id,
        'product_type' as attribute,
        category_path as attribute_value,
        valid_from,
        valid_to
    from spans
    union all
    select
        product_id as item_id,
        'category' as attribute,
        {{ parent_path('category_path') }} as attribute_value,
        valid_from,
        valid_to
    from spans
    union all
    select
        product_id as item_id,
        'top_category' as attribute,
        top_category as attribute_value,
        valid_from,
        valid_to
    from spans

),

-- The page of a category is looked at as a product is: it shows interest in the category and in nothing else.
category_pages as (

    select
        category_path,
        top_category,
        {{ parent_path('category_path') }} as category
    from versions
    where category_path is not null
    group by 1, 2, 3

),

items as (

    select * from product_attributes
    union all
    select
        concat('category:', category_path) as item_id,
        'product_type' as attribute,
        category_path as attribute_value,
        date '1900-01-01' as valid_from,
        date '9999-12-31' as valid_to
    from category_pages
    union all
    select
        concat('category:', category_path) as item_id,
        'category' as attribute,
        category as attribute_value,
        date '1900-01-01' as valid_from,
        date '9999-12-31' as valid_to
    from category_pages
    union all
    select
        concat('category:', category_path) as item_id,
        'top_category' as attribute,
        top_category as attribute_value,
        date '1900-01-01' as valid_from,
        date '9999-12-31' as valid_to
    from category_pages

)

select
    item_id,

    attribute,
    attribute_value,

    valid_from,
    valid_to
from items
where nullif(trim(attribute_value), '') is not null
