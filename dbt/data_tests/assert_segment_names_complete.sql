{{ config(tags=['static'], meta={'dagster': {'ref': {'name': 'segment_names'}}}) }}

-- Each of the 25 score pairs has exactly one name.
with

scores as (

    select 1 as score
    union all
    select 2 as score
    union all
    select 3 as score
    union all
    select 4 as score
    union all
    select 5 as score

)

select
    r.score as r_score,
    fm.score as fm_score,
    count(segment_names.segment) as n_names
from scores as r
cross join scores as fm
left join {{ ref('segment_names') }} as segment_names
    on
        r.score >= segment_names.r_min
        and r.score <= segment_names.r_max
        and fm.score >= segment_names.fm_min
        and fm.score <= segment_names.fm_max
group by 1, 2
having count(segment_names.segment) <> 1
