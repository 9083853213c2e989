{{ config(tags=['event_day'], meta={'dagster': {'ref': {'name': 'fct_order_line'}}}) }}

-- Facts without an exchange rate of their day or of the 7 days before: kept, but part of no amount in base
-- currency. Days that a run rebuilds beyond those it was asked for (late rows) wait for their own run: their
-- rates may not have landed yet.
with

amounts as (

    select
        'order_line' as fact,
        order_id as fact_id,
        currency,
        order_date as event_date,
        line_total as amount,
        line_total_base as amount_base
    from {{ ref('fct_order_line') }}
    where {{ in_window('order_date') }}
    union all
    select
        'return' as fact,
        return_id as fact_id,
        currency,
        return_date as event_date,
        refund_total as amount,
        refund_total_base as amount_base
    from {{ ref('fct_return') }}
    where {{ in_window('return_date') }}

)

select
    fact,
    currency,
    event_date,
    count(*) as n_rows,
    min(fact_id) as example
from amounts
where
    amount is not null
    and amount_base is null
    and event_date >= date '{{ ((given('checked_from') or '0001-01-01') | string)[:10] }}'
group by 1, 2, 3
