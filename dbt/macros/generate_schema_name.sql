{# A model lands in exactly the schema it names (staging, intermediate, marts, seeds), without a prefix. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
