-- How the returns of identified customers were matched to sales, by rows and by value; charges apart.
select
    is_product,
    match_kind,
    count(*) as n_returns,
    sum(refund_total_base) as refund_total_base,
    cast(count(*) as double) / sum(count(*)) over (partition by is_product) as share_of_rows,
    cast(sum(refund_total_base) as double)
    / cast(sum(sum(refund_total_base)) over (partition by is_product) as double) as share_of_value
from {{ ref('fct_return') }}
where customer_id is not null
group by 1, 2
order by 1 desc, 4 desc
