{{ config(
    materialized='incremental',
    pre_hook="{{ delete_touched_versions() }}",
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
        where event_id in ({{ touched_event_ids() }})
    {% endif %}

),

repeated as (

    select event_id
    from versions
    group by 1
    having count(*) > 1

),

ranked as (

    select
        *,
        {{ version_rank(['event_id']) }} as version_rank
    from versions
    where event_id in (select repeated.event_id from repeated)

)

select
    event_id,

    event_date,

    _file_id,
    _row_no
from ranked
where version_rank = 1
