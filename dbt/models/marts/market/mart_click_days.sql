{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('event_date') }}",
    partition_by='event_date',
    tags=['event_day'],
) }}

with

impressions as (

    select
        coalesce(campaign_id, slot_id) as placement,
        impression_date as event_date,
        max(case when campaign_id is not null then 1 else 0 end) = 1 as is_campaign,
        count(*) as n_impressions,
        -- What nobody can tell counts as seen.
        count(case when coalesce(viewable, true) then 1 end) as n_viewable
    from {{ ref('stg_impressions') }}
    where {{ in_window('impression_date') }} and coalesce(campaign_id, slot_id) is not null
    group by 1, 2

),

clicks as (

    select
        placement,
        event_date,
        count(*) as n_clicks
    from {{ ref('int_events') }}
    where {{ in_window('event_date') }} and event_type = 'click' and placement is not null
    group by 1, 2

)

select
    impressions.placement,
    impressions.event_date,

    impressions.is_campaign,

    impressions.n_impressions,
    impressions.n_viewable,
    coalesce(clicks.n_clicks, 0) as n_clicks
from impressions
left join clicks
    on impressions.placement = clicks.placement and impressions.event_date = clicks.event_date
