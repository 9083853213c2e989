{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('as_of_date') }}",
    partition_by='as_of_date',
    tags=['event_day'],
) }}

select
    as_of_date,

    count(*) as n_customers,
    count(distinct r_score) as n_r_scores,
    count(distinct f_score) as n_f_scores,
    count(distinct m_score) as n_m_scores
from {{ ref('mart_rfm') }}
where {{ in_window('as_of_date') }}
group by 1
