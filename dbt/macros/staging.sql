{#
    Rank 1 is the row that counts for a key: the latest version; the same version sent again is decided by the
    later drop, then by file and row, so that the result does not depend on the order of loading.
#}
{% macro version_rank(key, version=none) -%}
    row_number() over (
        partition by {{ key | join(', ') }}
        order by {% if version %}{{ version }} desc, {% endif %}_drop_date desc, _file_id desc, _row_no desc
    )
{%- endmacro %}
