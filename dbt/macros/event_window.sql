{#
    The window of event days a run rebuilds: half-open, [min_date, max_date), given by the caller as
    --vars '{min_date: 2026-01-01, max_date: 2026-01-08}'. Without vars, or with --full-refresh, it covers all time.
    The platform gives the same names as environment variables, XBEC_VAR_MIN_DATE and so on: changed vars make dbt
    parse the whole project again (5 CPU s a call), a variable that is read while a model runs does not.

    Two kinds of incremental models use it, both as "pre-hook delete, then append" in one transaction:

    - windowed (in_window): rows of day D come from raw rows of day D. The window is replaced, nothing else moves.
    - history (missing_history): as-of models read all days before theirs, so these tables must be complete up to
      max_date whichever partition was built first. They replace the window and add every earlier day they
      do not hold yet. Days without any row are looked at again each time; that costs a filter.
#}

{% macro given(name) -%}
    {%- if execute -%}
        {{ return(var(name, none) or env_var('XBEC_VAR_' ~ name | upper, '') or none) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{% macro base_currency() -%}
    {{ return(given('base_currency') or 'EUR') }}
{%- endmacro %}

{% macro window_bound(name, otherwise) -%}
    {%- set bound = given(name) -%}
    date '{{ otherwise if bound is none or flags.FULL_REFRESH else (bound | string)[:10] }}'
{%- endmacro %}

{% macro window_start() -%}
    {{ window_bound('min_date', '1900-01-01') }}
{%- endmacro %}

{% macro window_end() -%}
    {{ window_bound('max_date', '9999-12-31') }}
{%- endmacro %}

{#
    The day before which the caller vouches that everything has come. As-of models and daily figures end with the last day
    that has a sale or a return; a closed day without any would be missing until the next sale, unless var known_until
    (usually the end of the window) says that it is over.
#}
{% macro known_until() -%}
    date '{{ ((given('known_until') or '1900-01-01') | string)[:10] }}'
{%- endmacro %}

{% macro in_window(day) -%}
    {{ day }} >= {{ window_start() }} and {{ day }} < {{ window_end() }}
{%- endmacro %}

{% macro missing_history(day, stored_day=none) -%}
    {{ day }} < {{ window_end() }}
    {%- if is_incremental() %}
    and {{ day }} not in (select distinct stored.{{ stored_day or day }} from {{ this }} as stored)
    {%- endif -%}
{%- endmacro %}

{#
    Beside missing_history, for rows that cost much before they can be told apart (joined, counted): nothing is missing before
    the window or before the first day that the rows have and the table lacks. Asked before the pre-hook deletes the window.
    A source is given by its name: a unit test of the model would have to bring its rows otherwise.
#}
{% macro since_first_missing(day, relation, relation_day) -%}
    {%- if execute and is_incremental() -%}
        {{ day }} >= {{ first_missing(day, relation, relation_day, this) }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# The first day of the window, or an earlier one that the rows of a relation have and a stored table lacks. #}
{% macro first_missing(day, relation, relation_day, stored) -%}
    {%- set found = run_query(
        'select min(had.day) from (select distinct ' ~ relation_day ~ ' as day from ' ~ relation ~ ') as had where had.day < '
        ~ window_start() ~ ' and had.day not in (select distinct stored.' ~ day ~ ' from ' ~ stored ~ ' as stored)'
    ).columns[0].values()[0] -%}
    {{ window_start() if found is none else "date '" ~ found ~ "'" }}
{%- endmacro %}

{#
    As-of models need no state before the day before their window: what came earlier is counted as of that day, so that
    a day's states cost a sum over what came before, and no row for each day of it.
#}
{% macro counted_from(day) -%}
    greatest({{ day }}, {{ add_days(window_start(), -1) }})
{%- endmacro %}

{% macro delete_window(day) -%}
    {{ delete_days(day, in_window(day)) }}
{%- endmacro %}

{# Runs before the first model: half a window, or one that is empty, would quietly build the wrong days. #}
{% macro check_window() -%}
    {%- set first = given('min_date') -%}
    {%- set last = given('max_date') -%}
    {%- if (first is none) != (last is none) -%}
        {{ exceptions.raise_compiler_error("give both min_date and max_date, or neither") }}
    {%- endif -%}
    {%- for name in ['min_date', 'max_date', 'known_until'] if given(name) is not none -%}
        {%- if not modules.re.match('^[0-9]{4}-[0-9]{2}-[0-9]{2}', given(name) | string) -%}
            {{ exceptions.raise_compiler_error(name ~ " '" ~ given(name) ~ "' is not a date such as 2026-01-31") }}
        {%- endif -%}
    {%- endfor -%}
    {%- if first is not none and (first | string)[:10] >= (last | string)[:10] -%}
        {{ exceptions.raise_compiler_error("min_date " ~ first ~ " must be before max_date " ~ last) }}
    {%- endif -%}
{%- endmacro %}
