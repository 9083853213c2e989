{# Rows for which a condition is false; a condition that is null counts as false. #}
{% test expression_is_true(model, expression, day=none) %}

    select *
    from {{ model }}
    where
        coalesce(not ({{ expression }}), true)
        {% if day -%} and {{ in_window(day) }} {%- endif %}

{% endtest %}
