{{ config(tags=['event_day'], meta={'dagster': {'ref': {'name': 'mart_registration_funnel'}}}) }}

-- Nobody gets lost between two stages: who enters one, or goes on without it, has passed the one before or
-- gone on without that; and the first stage has every attempt of its day.
with

funnel as (

    select
        reg_date,
        stage_no,
        sum(n_attempts) as n_attempts,
        sum(n_entered + n_skipped) as n_arrived,
        sum(n_passed + n_skipped) as n_went_on
    from {{ ref('mart_registration_funnel') }}
    where {{ in_window('reg_date') }}
    group by reg_date, stage_no

),

flows as (

    select
        *,
        lag(n_went_on) over (
            partition by reg_date
            order by stage_no
        ) as n_went_on_before
    from funnel

),

begun as (

    select
        reg_date,
        count(distinct attempt_id) as n_begun
    from {{ ref('int_registration_stages') }}
    where {{ in_window('reg_date') }}
    group by reg_date

)

select
    begun.reg_date,
    flows.stage_no,
    begun.n_begun,
    flows.n_attempts,
    flows.n_arrived,
    flows.n_went_on_before
from begun
left join flows on begun.reg_date = flows.reg_date
where
    coalesce(flows.n_attempts, 0) <> begun.n_begun
    or coalesce(flows.n_arrived, 0) <> coalesce(flows.n_went_on_before, begun.n_begun)
