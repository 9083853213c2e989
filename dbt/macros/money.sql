{# An amount in base currency, rounded half up to the 4 places that money has here; null without a rate. #}
{% macro to_base(amount, rate) -%}
    cast({{ amount }} * {{ rate }} as decimal(18, 4))
{%- endmacro %}

{#
    Joins that tell charges from products. The seed is small per feed: exact codes by equality, prefixes by feed with
    the prefix as a rest condition. Gives exact_codes.charge_kind and prefix_codes.charge_kind.
#}
{% macro join_charge_codes(relation, codes) -%}
    left join {{ codes }} as exact_codes
        on
            exact_codes.feed = {{ relation }}.feed
            and exact_codes.code = {{ relation }}.product_id
            and exact_codes.match = 'exact'
    left join {{ codes }} as prefix_codes
        on
            prefix_codes.feed = {{ relation }}.feed
            and left({{ relation }}.product_id, length(prefix_codes.code)) = prefix_codes.code
            and prefix_codes.match = 'prefix'
{%- endmacro %}
