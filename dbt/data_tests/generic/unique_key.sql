{#
    The key of a table: no part is null and no combination comes twice. With `day`, only the window that was
    built is looked at, so that a daily run does not read the whole history.
#}
{% test unique_key(model, columns, day=none) %}

    with

    key_rows as (

        select
            {{ columns | join(', ') }},
            count(*) as n_rows
        from {{ model }}
        where {{ (day ~ ' is null or (' ~ in_window(day) ~ ')') if day else 'true' }}
        group by {{ columns | join(', ') }}

    )

    select *
    from key_rows
    where n_rows > 1 or {{ columns | join(' is null or ') }} is null

{% endtest %}
