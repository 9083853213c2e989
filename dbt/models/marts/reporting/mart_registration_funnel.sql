{{ config(
    materialized='incremental',
    pre_hook=["{{ delete_window('reg_date') }}", "{{ delete_open_cohorts() }}"],
    partition_by='reg_date',
    tags=['event_day'],
) }}

with

stages as (

    select * from {{ ref('int_registration_stages') }}
    where {{ missing_history('reg_date') }}

)

select
    reg_date,
    market,
    channel,
    device,
    stage,
    stage_no,

    min(stage_name) as stage_name,
    count(*) as n_attempts,
    cast(sum(case when outcome in ('passed', 'abandoned', 'open') then 1 else 0 end) as bigint) as n_entered,
    cast(sum(case when outcome = 'passed' then 1 else 0 end) as bigint) as n_passed,
    cast(sum(case when outcome = 'abandoned' then 1 else 0 end) as bigint) as n_abandoned,
    cast(sum(case when outcome = 'open' then 1 else 0 end) as bigint) as n_open,
    cast(sum(case when outcome = 'skipped' then 1 else 0 end) as bigint) as n_skipped,
    cast(sum(n_failed) as bigint) as n_failed_tries,
    cast(
        sum(case when outcome in ('passed', 'abandoned', 'open') and is_duplicate then 1 else 0 end) as bigint
    ) as n_duplicates,
    cast(sum(case when is_out_of_order then 1 else 0 end) as bigint) as n_out_of_order,
    cast(sum(case when outcome = 'passed' then 1 else 0 end) as double)
    / nullif(sum(case when outcome in ('passed', 'abandoned', 'open') then 1 else 0 end), 0)
        as conversion_rate,
    cast(percentile_cont(0.5) within group (order by step_s) as double) as step_p50_s,
    cast(percentile_cont(0.9) within group (order by step_s) as double) as step_p90_s,
    cast(percentile_cont(0.5) within group (order by elapsed_s) as double) as elapsed_p50_s,

    bool_and(is_closed) as is_closed
from stages
group by reg_date, market, channel, device, stage, stage_no
