{{ config(materialized='table', tags=['static']) }}

with

files as (

    select * from {{ source('ops', 'file_manifest') }}

),

records as (

    select * from {{ source('quarantine', 'records') }}

),

warnings as (

    select * from {{ source('ops', 'warnings') }}

),

accounts as (

    -- Rows of superseded, withdrawn and duplicate files are in no table, hence in no account.
    select
        feed,
        drop_date,
        count(*) as n_files,
        count(case when status = 'rejected' then 1 end) as n_files_rejected,
        cast(coalesce(sum(rows_in), 0) as bigint) as rows_in,
        cast(coalesce(sum(rows_loaded), 0) as bigint) as rows_loaded,
        cast(coalesce(sum(rows_quarantined), 0) as bigint) as rows_quarantined,
        cast(coalesce(sum(rows_duplicate), 0) as bigint) as rows_duplicate,
        cast(coalesce(sum(rows_repaired), 0) as bigint) as rows_repaired,
        cast(coalesce(sum(rows_warned), 0) as bigint) as rows_warned
    from files
    where status in ('loaded', 'rejected')
    group by 1, 2

),

reasons as (

    select
        records.feed,
        records.drop_date,
        {{ each_element('records.reasons') }} as reason
    from records
    where not {{ was_erased('records.reasons') }}

),

erased as (

    select
        feed,
        drop_date,
        count(*) as n_rows
    from records
    where {{ was_erased('reasons') }}
    group by 1, 2

),

reason_counts as (

    select
        feed,
        drop_date,
        reason,
        count(*) as n_rows
    from reasons
    group by 1, 2, 3

),

ranked_reasons as (

    select
        *,
        row_number() over (partition by feed, drop_date order by n_rows desc, reason asc) as reason_rank
    from reason_counts

),

warning_counts as (

    select
        feed,
        drop_date,
        rule_id,
        sum(rows) as n_rows
    from warnings
    group by 1, 2, 3

),

ranked_warnings as (

    select
        *,
        row_number() over (partition by feed, drop_date order by n_rows desc, rule_id asc) as rule_rank
    from warning_counts

)

select
    accounts.feed as source_name,
    accounts.drop_date,

    ranked_reasons.reason as top_reason,
    ranked_warnings.rule_id as top_warning,

    accounts.n_files,
    accounts.n_files_rejected,
    accounts.rows_in,
    accounts.rows_loaded,
    accounts.rows_quarantined,
    coalesce(erased.n_rows, 0) as rows_erased,
    accounts.rows_duplicate,
    accounts.rows_repaired,
    accounts.rows_warned,
    cast(accounts.rows_quarantined - coalesce(erased.n_rows, 0) as double)
    / nullif(accounts.rows_in, 0) as reject_share,
    cast(accounts.rows_repaired as double) / nullif(accounts.rows_in, 0) as repair_share
from accounts
left join erased
    on
        accounts.feed = erased.feed
        and accounts.drop_date = erased.drop_date
left join ranked_reasons
    on
        accounts.feed = ranked_reasons.feed
        and accounts.drop_date = ranked_reasons.drop_date
        and ranked_reasons.reason_rank = 1
left join ranked_warnings
    on
        accounts.feed = ranked_warnings.feed
        and accounts.drop_date = ranked_warnings.drop_date
        and ranked_warnings.rule_rank = 1
