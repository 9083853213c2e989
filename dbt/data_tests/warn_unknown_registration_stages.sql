{{ config(
    severity='warn',
    tags=['event_day'],
    meta={'dagster': {'ref': {'name': 'stg_registration_events'}}},
) }}

-- Steps that process_stages does not know, with their number: no attempt counts them. Add a line to the seed
-- and build the days again.
select
    events.stage,
    count(*) as n_events
from {{ ref('stg_registration_events') }} as events
left join {{ ref('process_stages') }} as known
    on events.stage = known.stage and known.process = 'registration'
where known.stage is null and {{ in_window('event_date') }}
group by events.stage
