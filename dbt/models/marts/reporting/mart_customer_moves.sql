{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('as_of_date') }}",
    partition_by='as_of_date',
    tags=['event_day'],
) }}

with

moved as (

    select * from {{ ref('mart_rfm') }}
    where
        {{ in_window('as_of_date') }}
        and (previous_segment is null or previous_segment <> segment)

)

select
    as_of_date,
    customer_id,

    coalesce(previous_segment, '(first order)') as from_segment,
    segment as to_segment,
    case
        when previous_segment is null then 'first order'
        when recency_days = 0 then 'ordered'
        when frequency_orders < previous_frequency_orders then 'an order has grown older than 365 days'
        when monetary_base_change <> 0 then 'a return, or value older than 365 days'
        when r_score < previous_r_score and f_score >= previous_f_score and m_score >= previous_m_score
            then 'did not order, and others did'
        else 'others moved'
    end as reason,
    case
        when previous_segment is not null
            then concat_ws(
                ', ',
                case
                    when r_score <> previous_r_score
                        then concat('R ', cast(previous_r_score as string), ' to ', cast(r_score as string))
                end,
                case
                    when f_score <> previous_f_score
                        then concat('F ', cast(previous_f_score as string), ' to ', cast(f_score as string))
                end,
                case
                    when m_score <> previous_m_score
                        then concat('M ', cast(previous_m_score as string), ' to ', cast(m_score as string))
                end
            )
    end as score_changes,

    recency_days,
    r_score,
    f_score,
    m_score,
    monetary_base_change
from moved
