-- How many of the five scores a day really uses: where most customers ordered once, frequency collapses.
select
    as_of_date,
    count(*) as n_customers,
    count(distinct r_score) as r_bins,
    count(distinct f_score) as f_bins,
    count(distinct m_score) as m_bins
from {{ ref('mart_rfm') }}
group by 1
order by 1
