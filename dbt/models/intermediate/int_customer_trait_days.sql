{{ config(
    materialized='incremental',
    pre_hook="{{ delete_window('event_date') }}",
    partition_by='event_date',
    tags=['event_day'],
) }}

with

product_days as (

    select * from {{ ref('int_customer_product_days') }}
    where {{ missing_history('event_date') }}

),

products as (

    select * from {{ ref('int_product_versions') }}

),

orders as (

    select * from {{ ref('stg_orders') }}
    where order_date < {{ window_end() }} and customer_id is not null

),

payments as (

    select * from {{ ref('stg_payments') }}
    where
        {{ missing_history('paid_date', 'event_date') }}
        and is_succeeded
        and kind in ('deposit', 'balance', 'full')
        and method is not null

),

parts as (

    select
        customer_id,
        event_date,
        'category' as trait,
        top_category as trait_value,
        gross_base as weight
    from product_days
    where top_category is not null
    union all
    select
        product_days.customer_id,
        product_days.event_date,
        'brand' as trait,
        products.brand as trait_value,
        product_days.gross_base as weight
    from product_days
    inner join products
        on
            product_days.product_id = products.product_id
            and product_days.event_date >= products.valid_from
            and product_days.event_date < products.valid_to
    where products.brand is not null
    union all
    select
        orders.customer_id,
        payments.paid_date as event_date,
        'payment_method' as trait,
        payments.method as trait_value,
        1 as weight
    from payments
    inner join orders on payments.order_id = orders.order_id
    union all
    select
        customer_id,
        order_date as event_date,
        'operation_mode' as trait,
        operation_mode as trait_value,
        1 as weight
    from orders
    where {{ missing_history('order_date', 'event_date') }} and is_paid and operation_mode is not null

)

select
    customer_id,
    event_date,
    trait,
    trait_value,

    cast(sum(weight) as decimal(18, 4)) as weight
from parts
group by 1, 2, 3, 4
