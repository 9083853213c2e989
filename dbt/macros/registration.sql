{#
    An attempt to register is watched for so many days after the day of its first event: what has not come by then has been
    given up, and what comes later counts no more.
#}
{% macro registration_days() -%}
    {{ return(30) }}
{%- endmacro %}

{#
    Cohorts of registration days that a window of event days may change: its own and those that are watched during it, and
    all that are open, or would be again should a delivery be taken back. What is deleted is added again.
#}
{% macro delete_open_cohorts() -%}
    {%- set open_cohorts -%}
        reg_date < {{ window_end() }}
        and (
            reg_date >= {{ add_days(window_start(), -registration_days()) }}
            or not is_closed
            or reg_date >= (
                select {{ add_days('max(drop_date)', -registration_days()) }}
                from {{ ref('stg_registration_events') }}
            )
        )
    {%- endset -%}
    {{ delete_days('reg_date', open_cohorts) }}
{%- endmacro %}
