{{ config(tags=['event_day'], meta={'dagster': {'ref': {'name': 'fct_return'}}}) }}

-- Every staged return is exactly one fact of its day, whatever was found to match it. Looks at the window and
-- at every day built before, so it names the days whose returns came too late for their window.
with

staged as (

    select
        return_date,
        count(*) as n_returns,
        sum(qty) as n_items
    from {{ ref('stg_returns') }}
    group by 1

),

facts as (

    select
        return_date,
        count(*) as n_returns,
        sum(qty) as n_items
    from {{ ref('fct_return') }}
    group by 1

)

select
    coalesce(staged.return_date, facts.return_date) as return_date,
    staged.n_returns as n_staged,
    facts.n_returns as n_found,
    staged.n_items as n_items_staged,
    facts.n_items as n_items_found
from staged
full outer join facts on staged.return_date = facts.return_date
where
    (facts.return_date is not null or ({{ in_window('staged.return_date') }}))
    and (
        coalesce(staged.n_returns, 0) <> coalesce(facts.n_returns, 0)
        or coalesce(staged.n_items, 0) <> coalesce(facts.n_items, 0)
    )
