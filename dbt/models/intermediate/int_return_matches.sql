{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('return_date') }}",
    partition_by='return_date',
    tags=['event_day'],
) }}

with

all_returns as (

    select * from {{ ref('int_returns') }}

),

order_lines as (

    select * from {{ ref('int_order_lines') }}

),

wanted as (

    select * from all_returns
    where {{ missing_history('return_date') }}

),

-- A match depends on what the same buyer bought and sent back of the same product before, on nothing else.
buyer_products as (

    select distinct
        buyer_key,
        product_id
    from wanted
    where buyer_key is not null

),

returns as (

    select all_returns.*
    from all_returns
    inner join buyer_products
        on
            all_returns.buyer_key = buyer_products.buyer_key
            and all_returns.product_id = buyer_products.product_id

),

sales as (

    select
        order_lines.*,
        buyer_products.buyer_key
    from order_lines
    inner join buyer_products
        on
            coalesce(order_lines.customer_id, 'guest of ' || order_lines.order_id) = buyer_products.buyer_key
            and order_lines.product_id = buyer_products.product_id

),

-- Tier 0: the source names the order, perhaps the line.
named_candidates as (

    select
        returns.return_id,
        sales.order_id,
        sales.line_no,
        row_number() over (
            partition by returns.return_id
            order by case when sales.qty >= returns.qty then 0 else 1 end, sales.line_no
        ) as candidate_rank
    from returns
    inner join sales
        on
            returns.order_id = sales.order_id
            and returns.product_id = sales.product_id
            and returns.opened_ts >= sales.order_ts
            and (returns.line_no is null or returns.line_no = sales.line_no)

),

-- Tier 1: same buyer, product, price and quantity, last in first out. Read sales as opening and returns as
-- closing brackets in time order: a pair stands on one level with nothing of that level in between.
brackets as (

    select
        buyer_key,
        product_id,
        currency,
        unit_price,
        qty,
        order_ts as event_ts,
        0 as is_return,
        order_id as event_id,
        line_no,
        1 as step
    from sales
    where customer_id is not null
    union all
    select
        buyer_key,
        product_id,
        currency,
        unit_price,
        qty,
        opened_ts as event_ts,
        1 as is_return,
        return_id as event_id,
        cast(null as bigint) as line_no,
        -1 as step
    from returns
    where order_id is null and unit_price is not null

),

levelled as (

    select
        *,
        sum(step) over (
            partition by buyer_key, product_id, currency, unit_price, qty
            order by event_ts, is_return, event_id, line_no
            rows between unbounded preceding and current row
        ) + is_return as bracket_level
    from brackets

),

paired as (

    select
        event_id as return_id,
        is_return,
        lag(is_return) over same_level as partner_is_return,
        lag(event_id) over same_level as order_id,
        lag(line_no) over same_level as line_no
    from levelled
    window same_level as (
        partition by buyer_key, product_id, currency, unit_price, qty, bracket_level
        order by event_ts, is_return, event_id, line_no
    )

),

certain as (

    select
        return_id,
        order_id,
        line_no,
        'source' as match_kind
    from named_candidates
    where candidate_rank = 1
    union all
    select
        return_id,
        order_id,
        line_no,
        'exact' as match_kind
    from paired
    where is_return = 1 and partner_is_return = 0

),

-- Tier 2: the rest of the products against the latest earlier sale that still has so many pieces.
open_returns as (

    select returns.*
    from returns
    left join certain on returns.return_id = certain.return_id
    where certain.return_id is null and returns.order_id is null and returns.is_product

),

used as (

    select
        certain.order_id,
        certain.line_no,
        returns.return_id,
        returns.opened_ts,
        returns.qty
    from certain
    inner join returns on certain.return_id = returns.return_id

),

earlier_sales as (

    select
        open_returns.return_id,
        open_returns.qty as returned_qty,
        sales.order_id,
        sales.line_no,
        sales.order_ts,
        case when sales.unit_price = open_returns.unit_price then 1 else 0 end as is_same_price,
        max(sales.qty) - coalesce(sum(used.qty), 0) as pieces_left
    from open_returns
    inner join sales
        on
            open_returns.buyer_key = sales.buyer_key
            and open_returns.product_id = sales.product_id
            and open_returns.currency = sales.currency
            and open_returns.opened_ts >= sales.order_ts
    left join used
        on
            sales.order_id = used.order_id
            and sales.line_no = used.line_no
            and (
                open_returns.opened_ts > used.opened_ts
                or (open_returns.opened_ts = used.opened_ts and open_returns.return_id > used.return_id)
            )
    group by 1, 2, 3, 4, 5, 6

),

partial as (

    select
        return_id,
        order_id,
        line_no,
        row_number() over (
            partition by return_id
            order by is_same_price desc, order_ts desc, order_id desc, line_no desc
        ) as candidate_rank
    from earlier_sales
    where pieces_left >= returned_qty

),

proposed as (

    select * from certain
    union all
    select
        return_id,
        order_id,
        line_no,
        'partial' as match_kind
    from partial
    where candidate_rank = 1

),

-- No sale gives back more than it held; the earlier return comes first.
checked as (

    select
        proposed.return_id,
        proposed.order_id,
        proposed.line_no,
        proposed.match_kind,
        sales.unit_price as sale_unit_price,
        sum(returns.qty) over (
            partition by proposed.order_id, proposed.line_no
            order by returns.opened_ts, returns.return_id
            rows between unbounded preceding and current row
        ) > sales.qty as exceeds_sale
    from proposed
    inner join returns on proposed.return_id = returns.return_id
    inner join sales on proposed.order_id = sales.order_id and proposed.line_no = sales.line_no

),

returns_with_sales as (

    select distinct return_id from earlier_sales

),

kept as (

    select * from checked
    where match_kind = 'source' or not exceeds_sale

),

judged as (

    select
        wanted.*,
        kept.order_id as matched_order_id,
        kept.line_no as matched_line_no,
        coalesce(
            wanted.refund, wanted.qty * coalesce(wanted.unit_price, kept.sale_unit_price)
        ) as refund_total,
        coalesce(checked.exceeds_sale, false) as exceeds_sale,
        case
            when kept.match_kind is not null then kept.match_kind
            when checked.exceeds_sale then 'exceeds_sale'
            when wanted.order_id is not null then 'order_unknown'
            when not wanted.is_product then 'charge'
            when wanted.customer_id is null then 'anonymous'
            when returns_with_sales.return_id is not null then 'exceeds_sale'
            else 'no_earlier_sale'
        end as match_kind
    from wanted
    left join checked on wanted.return_id = checked.return_id
    left join kept on wanted.return_id = kept.return_id
    left join returns_with_sales on wanted.return_id = returns_with_sales.return_id

)

select
    return_id,
    return_date,
    customer_id,
    product_id,
    matched_order_id,
    matched_line_no,

    match_kind,
    currency,
    reason,
    charge_kind,

    qty,
    unit_price,
    cast(refund_total as decimal(18, 4)) as refund_total,
    duplicate_records,

    is_product,
    exceeds_sale,

    opened_ts,

    feed
from judged
