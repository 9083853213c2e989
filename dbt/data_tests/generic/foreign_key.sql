{#
   Values of a column that the parent lacks; nulls are allowed. With `day`, only the built window is read.
   A warning: the parent comes with another feed and may land later; the row is kept and named, the run goes on.
#}
{% test foreign_key(model, column_name, to, field, day=none) %}

    {{ config(severity='warn') }}

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
