{# Values of a column that the parent lacks; nulls are allowed. With `day`, only the built window is read. #}
{% test foreign_key(model, column_name, to, field, day=none) %}

    with

    child as (

        select distinct {{ column_name }} as child_value
        from {{ model }}
        where
            {{ column_name }} is not null
            {% if day -%} and {{ in_window(day) }} {%- endif %}

    ),

    parent as (

        select {{ field }} as parent_value
        from {{ to }}

    )

    select child.child_value
    from child
    left join parent on child.child_value = parent.parent_value
    where parent.parent_value is null

{% endtest %}
