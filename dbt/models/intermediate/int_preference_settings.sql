{{ config(materialized='table', tags=['static']) }}

with

settings as (

    select
        customer_id,
        preference_key,
        preference_value,
        updated_date as valid_from,
        row_number() over (
            partition by customer_id, preference_key, updated_date
            order by updated_ts desc
        ) as rank_of_day
    from {{ ref('stg_preferences') }}
    where customer_id is not null

),

spans as (

    select
        customer_id,
        preference_key,
        preference_value,
        valid_from,
        lead(valid_from, 1, date '9999-12-31') over (
            partition by customer_id, preference_key order by valid_from
        ) as valid_to
    from settings
    where rank_of_day = 1

),

meanings as (

    select * from {{ ref('preference_settings') }}

),

known_values as (

    select distinct
        attribute,
        attribute_value,
        {{ last_level('attribute_value') }} as last_level
    from {{ ref('int_item_attributes') }}

),

-- '*' stands for the value itself; a category may be said by its path or by the last level of it.
matched as (

    select
        spans.customer_id,
        spans.preference_key,
        spans.valid_from,
        spans.valid_to,
        meanings.attribute,
        coalesce(known_values.attribute_value, nullif(meanings.attribute_value, '*')) as attribute_value
    from spans
    inner join meanings
        on
            spans.preference_key = meanings.preference_key
            and (meanings.preference_value = '*' or spans.preference_value = meanings.preference_value)
    left join known_values
        on
            meanings.attribute_value = '*'
            and meanings.attribute = known_values.attribute
            and (
                spans.preference_value = known_values.attribute_value
                or spans.preference_value = known_values.last_level
            )

)

select
    customer_id,

    attribute,
    attribute_value,

    valid_from,
    valid_to
from matched
where attribute_value is not null
group by 1, 2, 3, 4, 5
