{{ config(materialized='table', tags=['static']) }}

-- `parents` of the contracts (a test keeps the two equal): child, its column, parent, its column.
{% set relations = [
    ('events', 'product_id', 'products', 'product_id'),
    ('impressions', 'campaign_id', 'campaigns', 'campaign_id'),
    ('inventory_snapshots', 'product_id', 'products', 'product_id'),
    ('inventory_snapshots', 'warehouse_id', 'warehouses', 'warehouse_id'),
    ('order_lines', 'order_id', 'orders', 'order_id'),
    ('order_lines', 'product_id', 'products', 'product_id'),
    ('orders', 'presale_id', 'presales', 'presale_id'),
    ('payments', 'order_id', 'orders', 'order_id'),
    ('preferences', 'customer_id', 'customers', 'customer_id'),
    ('presales', 'product_id', 'products', 'product_id'),
    ('returns', 'order_id', 'orders', 'order_id'),
    ('returns', 'product_id', 'products', 'product_id'),
    ('reviews', 'order_id', 'orders', 'order_id'),
    ('reviews', 'product_id', 'products', 'product_id'),
    ('shipments', 'order_id', 'orders', 'order_id'),
    ('shipments', 'warehouse_id', 'warehouses', 'warehouse_id'),
    ('tracking_events', 'order_id', 'orders', 'order_id'),
    ('tracking_events', 'parcel_id', 'shipments', 'parcel_id'),
] %}

with

{% for child, child_column, parent, parent_column in relations %}
    {{ child }}_by_{{ child_column }} as (

        select
            '{{ child }}' as source_name,
            '{{ parent }}' as parent_source,
            '{{ child_column }}' as column_name,
            cast(child.{{ child_column }} as string) as missing_key,
            min(child._drop_date) as waiting_since,
            count(*) as n_rows
        from {{ source('raw', child) }} as child
        where
            child.{{ child_column }} is not null
            and child.{{ child_column }} not in (
                select parent.{{ parent_column }} from {{ source('raw', parent) }} as parent
            )
        group by child.{{ child_column }}

    ){{ ',' if not loop.last }}
{% endfor %}

{% for child, child_column, _, _ in relations %}
    select
        source_name,
        parent_source,
        column_name,
        missing_key,

        n_rows,

        waiting_since
    from {{ child }}_by_{{ child_column }}
    {{ 'union all' if not loop.last }}
{% endfor %}
