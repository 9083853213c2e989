{{ config(materialized='table', tags=['static']) }}

with

orders as (

    select * from {{ ref('stg_orders') }}

),

order_lines as (

    select * from {{ ref('stg_order_lines') }}

),

order_versions as (

    select * from {{ source('raw', 'orders') }}

),

-- A key that came in two files counts once, as in staging.
payments as (

    select * from (
        select
            *,
            {{ version_rank(['payment_id']) }} as version_rank
        from {{ source('raw', 'payments') }}
    )
    where version_rank = 1

),

presales as (

    select * from (
        select
            *,
            {{ version_rank(['presale_id']) }} as version_rank
        from {{ source('raw', 'presales') }}
    )
    where version_rank = 1

),

shipments as (

    select * from (
        select
            *,
            {{ version_rank(['parcel_id']) }} as version_rank
        from {{ source('raw', 'shipments') }}
    )
    where version_rank = 1

),

fx as (

    select * from {{ ref('stg_fx') }}

),

line_sums as (

    select
        order_id,
        sum(line_total) as goods_total
    from order_lines
    group by 1

),

-- Lines of another currency than their order cannot be added to its total.
mixed_orders as (

    select distinct order_lines.order_id
    from order_lines
    inner join orders on order_lines.order_id = orders.order_id
    where order_lines.currency <> orders.currency

),

totals_differ as (

    select
        'order_total_differs_from_lines' as rule_id,
        'orders' as source_name,
        orders.order_id as record_key,
        orders.order_date as record_date,
        'stated ' || orders.stated_goods_total || ', lines ' || line_sums.goods_total as detail
    from orders
    inner join line_sums on orders.order_id = line_sums.order_id
    where
        abs(orders.stated_goods_total - line_sums.goods_total) > 0.02
        and orders.order_id not in (select mixed_orders.order_id from mixed_orders)

),

paid as (

    select
        payments.order_id,
        sum(
            case
                when payments.kind in ('deposit', 'balance', 'full') then payments.amount
                when payments.kind = 'refund' then -payments.amount
                else 0
            end
        ) as paid_total
    from payments
    inner join orders on payments.order_id = orders.order_id and payments.currency = orders.currency
    where payments.status = 'succeeded'
    group by 1

),

due as (

    select
        order_id,
        order_date,
        stated_goods_total + coalesce(shipping_fee, 0) + coalesce(tax, 0) + coalesce(duty, 0)
        - coalesce(discount, 0) as order_total
    from orders
    where stated_goods_total is not null

),

overpaid as (

    select
        'payments_exceed_order_total' as rule_id,
        'payments' as source_name,
        due.order_id as record_key,
        due.order_date as record_date,
        'paid ' || paid.paid_total || ', total ' || due.order_total as detail
    from due
    inner join paid on due.order_id = paid.order_id
    where paid.paid_total > due.order_total * 1.01

),

deposits as (

    select
        payments.payment_id,
        payments.order_id,
        payments.paid_ts,
        orders.presale_id,
        presales.deposit_open_ts,
        presales.deposit_close_ts
    from payments
    -- A deposit whose order has not come waits; nothing can be said of it.
    inner join orders on payments.order_id = orders.order_id
    left join presales on orders.presale_id = presales.presale_id
    where payments.kind = 'deposit' and payments.status = 'succeeded'

),

deposit_outside_window as (

    select
        'deposit_without_presale_window' as rule_id,
        'payments' as source_name,
        payment_id as record_key,
        {{ event_day('paid_ts') }} as record_date,
        case
            when presale_id is null then 'order ' || order_id || ' is no pre-sale'
            when deposit_open_ts is null then 'pre-sale ' || presale_id || ' is unknown'
            else 'paid ' || paid_ts || ', open ' || deposit_open_ts || ' to ' || deposit_close_ts
        end as detail
    from deposits
    where deposit_open_ts is null or paid_ts < deposit_open_ts or paid_ts > deposit_close_ts

),

first_deposits as (

    select
        order_id,
        min(paid_ts) as deposit_ts
    from payments
    where kind = 'deposit' and status = 'succeeded'
    group by 1

),

balance_first as (

    select
        'balance_before_deposit' as rule_id,
        'payments' as source_name,
        payments.payment_id as record_key,
        {{ event_day('payments.paid_ts') }} as record_date,
        coalesce(
            'balance ' || payments.paid_ts || ', deposit ' || first_deposits.deposit_ts,
            'order ' || payments.order_id || ' has no deposit'
        ) as detail
    from payments
    left join first_deposits on payments.order_id = first_deposits.order_id
    where
        payments.kind = 'balance'
        and payments.status = 'succeeded'
        and (first_deposits.deposit_ts is null or payments.paid_ts < first_deposits.deposit_ts)

),

first_delivered as (

    select
        order_id,
        min(updated_ts) as delivered_ts
    from order_versions
    where status = 'delivered'
    group by 1

),

first_shipped as (

    select
        order_id,
        min(shipped_ts) as shipped_ts
    from shipments
    group by 1

),

delivered_first as (

    select
        'delivered_before_shipped' as rule_id,
        'orders' as source_name,
        first_delivered.order_id as record_key,
        {{ event_day('first_delivered.delivered_ts') }} as record_date,
        'delivered ' || first_delivered.delivered_ts || ', shipped ' || first_shipped.shipped_ts as detail
    from first_delivered
    inner join first_shipped on first_delivered.order_id = first_shipped.order_id
    where first_delivered.delivered_ts < first_shipped.shipped_ts

),

fx_steps as (

    select
        *,
        lag(rate_to_base) over (partition by currency order by rate_date) as rate_before
    from fx

),

fx_jumps as (

    select
        'fx_jump_above_20_percent' as rule_id,
        'fx_rates' as source_name,
        currency as record_key,
        rate_date as record_date,
        rate_before || ' to ' || rate_to_base as detail
    from fx_steps
    where abs(rate_to_base - rate_before) > 0.2 * rate_before

),

currency_days as (

    select distinct
        currency,
        order_date
    from orders
    where currency <> '{{ base_currency() }}'

),

last_rates as (

    select
        currency_days.currency,
        currency_days.order_date,
        max(fx.rate_date) as rate_date
    from currency_days
    left join fx
        on currency_days.currency = fx.currency and currency_days.order_date >= fx.rate_date
    group by 1, 2

),

fx_too_old as (

    select
        'fx_rate_older_than_7_days' as rule_id,
        'fx_rates' as source_name,
        currency as record_key,
        order_date as record_date,
        coalesce('last rate of ' || rate_date, 'no rate yet') as detail
    from last_rates
    where rate_date is null or {{ days_between('rate_date', 'order_date') }} > 7

),

unioned as (

    select * from totals_differ
    union all
    select * from overpaid
    union all
    select * from deposit_outside_window
    union all
    select * from balance_first
    union all
    select * from delivered_first
    union all
    select * from fx_jumps
    union all
    select * from fx_too_old

)

select
    rule_id,
    source_name,
    record_key,

    detail,

    record_date
from unioned
