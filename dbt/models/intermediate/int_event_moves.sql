{{ config(
    materialized='incremental',
    pre_hook="{{ delete_touched_moves() }}",
    tags=['event_day'],
) }}

with

events as (

    select
        event_id,
        {{ event_day('ts') }} as event_date,
        _drop_date,
        _file_id,
        _row_no
    from {{ source('raw', 'events') }}

),

versions as (

    select * from events
    {% if keeps_other_rows() %}
        where
            event_id in (
                select touched.event_id
                from events as touched
                where {{ in_window('touched.event_date') }}
            )
    {% endif %}

),

moved as (

    select event_id
    from versions
    group by 1
    having min(event_date) < max(event_date)

),

ranked as (

    select
        event_id,
        event_date,
        {{ version_rank(['event_id']) }} as version_rank
    from versions
    where event_id in (select moved.event_id from moved)

)

select
    event_id,
    event_date
from ranked
where version_rank = 1
