{#
    Sessions that a window of event days may change: those that reach into it, and those whose events of the window
    are new. A session without a number of its own depends on its visitor's neighbouring ones, so all of that
    visitor go. What is deleted is added again from int_session_days.
#}
{% macro delete_touched_sessions() -%}
    {%- set touched -%}
        (known.session_date < {{ window_end() }} and known.end_date >= {{ window_start() }})
        or exists (
            select 1
            from {{ ref('int_session_days') }} as days
            where
                {{ in_window('days.event_date') }}
                and days.feed = known.feed
                and days.is_inferred = known.is_inferred
                and days.session_key = case when known.is_inferred then known.visitor_id else known.session_id end
        )
    {%- endset -%}
    {{ delete_rows(touched) }}
{%- endmacro %}

{#
    Events with a version on a day that int_events is about to hold: which version counts is told anew. Those are the days of
    the window, and earlier ones that int_events lacks.
#}
{% macro touched_event_ids() -%}
    {%- set stored = adapter.get_relation(target.database, 'intermediate', 'int_events') if execute -%}
    select touched.event_id
    from {{ source('raw', 'events') }} as touched
    where
        {{ event_day('touched.ts') }} < {{ window_end() }}
        {% if stored -%}
            and {{ event_day('touched.ts') }} >= {{ first_missing('event_date', 'raw.events', event_day('ts'), stored) }}
        {%- endif %}
{%- endmacro %}

{% macro delete_touched_versions() -%}
    {{ delete_rows('known.event_id in (' ~ (touched_event_ids() if keeps_other_rows() else 'null') ~ ')') }}
{%- endmacro %}
