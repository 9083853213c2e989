{#
    Whether the intake kept a record out because its person asked to be forgotten: in no table, and no fault of the
    data. The reason is the one that `ingest/suppression.py` gives.
#}
{% macro was_erased(reasons) -%}
    array_contains({{ reasons }}, 'person was erased on request')
{%- endmacro %}
