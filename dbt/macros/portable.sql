{#
    The only place that may name an engine. Each macro hides one construct that DuckDB and Spark spell differently; a
    second engine adds its spelling here and nowhere else.
#}

{% macro event_day(timestamp) -%}
    cast({{ timestamp }} as date)
{%- endmacro %}

{% macro add_days(day, days) -%}
    ({{ day }} + {{ days }})
{%- endmacro %}

{# Whole days from the first to the second date, an integer. #}
{% macro days_between(first, second) -%}
    ({{ second }} - {{ first }})
{%- endmacro %}

{# One row per day from the first to the second date, both included; no row when either is null. #}
{% macro each_day(first, last) -%}
    cast(unnest(generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 day)) as date)
{%- endmacro %}

{# 1 = Monday ... 7 = Sunday. #}
{% macro iso_weekday(day) -%}
    isodow({{ day }})
{%- endmacro %}

{% macro iso_year(day) -%}
    isoyear({{ day }})
{%- endmacro %}

{# First level of a path such as 'a/b/c'; null stays null, an empty path becomes null. #}
{% macro first_level(path) -%}
    nullif(trim(split_part({{ path }}, '/', 1)), '')
{%- endmacro %}

{# A path without its last level; a path of one level stays as it is. #}
{% macro parent_path(path) -%}
    regexp_replace({{ path }}, '^(.+)/[^/]*$', '\1')
{%- endmacro %}

{% macro joined_text(value, order_by) -%}
    string_agg({{ value }}, ', ' order by {{ order_by }})
{%- endmacro %}

{# Integer division; both arguments are non-negative integers. #}
{% macro whole_quotient(dividend, divisor) -%}
    (({{ dividend }}) // ({{ divisor }}))
{%- endmacro %}

{# Whole seconds from the first to the second timestamp, an integer. #}
{% macro seconds_between(first, second) -%}
    date_diff('second', {{ first }}, {{ second }})
{%- endmacro %}

{# Number of the stretch of so many seconds a moment lies in: equal numbers, same stretch. #}
{% macro time_slot(timestamp, seconds) -%}
    (epoch_us({{ timestamp }}) // {{ seconds * 1000000 }})
{%- endmacro %}

{# Seconds from the first to the second timestamp with their fractions, a double. #}
{% macro exact_seconds_between(first, second) -%}
    ((epoch_us({{ second }}) - epoch_us({{ first }})) / 1000000.0)
{%- endmacro %}

{# Names of a JSON object, one row each; no row for null and for anything but an object. #}
{% macro each_json_name(json) -%}
    unnest(json_keys({{ json }}))
{%- endmacro %}

{# A value of a JSON object as text, by its name; null for lists and objects. #}
{% macro json_scalar(json, name) -%}
    case
        when json_type(json_extract({{ json }}, concat('$."', {{ name }}, '"'))) not in ('ARRAY', 'OBJECT', 'NULL')
            then json_extract_string({{ json }}, concat('$."', {{ name }}, '"'))
    end
{%- endmacro %}
