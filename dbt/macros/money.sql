{# An amount in base currency, rounded half up to the 4 places that money has here; null without a rate. #}
{% macro to_base(amount, rate) -%}
    cast({{ amount }} * {{ rate }} as decimal(18, 4))
{%- endmacro %}

{#
    An amount with 4 places (at most 14 before them) divided by a count from 1, rounded half away from zero to 4 places; null without a count.
    Counted in ten-thousandths: exact, where a division of decimals is a double on one engine and a decimal on another.
#}
{% macro money_per(amount, count) -%}
    cast(
        case when {{ amount }} < 0 then -0.0001 else 0.0001 end
        * {{ whole_quotient('2 * abs(cast(' ~ amount ~ ' * 10000 as bigint)) + ' ~ count, '2 * ' ~ count) }}
        as decimal(18, 4)
    )
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
