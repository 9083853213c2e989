{#
    Measures that one part of a union does not know, as zeros. The parts list their measures in the same order.
#}
{% macro zeros(names) -%}
    {%- for name in names -%} 0 as {{ name }}{{ ', ' if not loop.last }} {%- endfor -%}
{%- endmacro %}

{#
    The sum of each of these measures, under its name.
#}
{% macro sums(names) -%}
    {%- for name in names -%} sum({{ name }}) as {{ name }}{{ ', ' if not loop.last }} {%- endfor -%}
{%- endmacro %}
