{{ config(tags=['static'], meta={'dagster': {'ref': {'name': 'non_product_codes'}}}) }}

-- A code that two prefixes of one feed cover would double its order lines.
select
    one.feed,
    one.code,
    other.code as other_code
from {{ ref('non_product_codes') }} as one
inner join {{ ref('non_product_codes') }} as other
    on
        one.feed = other.feed
        and one.code <> other.code
        and left(one.code, length(other.code)) = other.code
where one.match = 'prefix' and other.match = 'prefix'
