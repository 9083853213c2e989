{{ config(tags=['event_day'], meta={'dagster': {'ref': {'name': 'fct_return'}}}) }}

-- Every staged return of the window is exactly one fact, whatever was found to match it.
with

staged as (

    select
        count(*) as n_returns,
        coalesce(sum(qty), 0) as n_items
    from {{ ref('stg_returns') }}
    where {{ in_window('return_date') }}

),

facts as (

    select
        count(*) as n_returns,
        coalesce(sum(qty), 0) as n_items
    from {{ ref('fct_return') }}
    where {{ in_window('return_date') }}

)

select
    staged.n_returns as n_staged,
    facts.n_returns as n_facts,
    staged.n_items as n_items_staged,
    facts.n_items as n_items_facts
from staged
cross join facts
where staged.n_returns <> facts.n_returns or staged.n_items <> facts.n_items
