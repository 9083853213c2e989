{#
    The customer of a row, or nobody where the person was erased: the row stays for the books, but no segment, model
    or list may grow around a tombstone.
#}
{% macro known_customer(column) -%}
    case when {{ column }} not like 'erased:%' then {{ column }} end
{%- endmacro %}
