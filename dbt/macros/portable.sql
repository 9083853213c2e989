{#
    Portable SQL: the models are one text for two engines, DuckDB (where the platform runs) and Spark 4 (the way out when
    one machine is not enough). This file is the only place that may name an engine. `make test-spark` builds every model
    on both and compares the rows; test_portable_sql.py keeps models to functions that mean the same on both.

    instead of                               write
    ---------------------------------------  --------------------------------------------------------------
    unnest(generate_series(a, b))            each_day('a', 'b') as day        alone, not inside an expression
    unnest(list)                             each_element('list') as element  likewise
    list_contains(list, x)                   array_contains(list, x)
    b - a of dates                           days_between('a', 'b')
    day + 3, day - 3                         add_days('day', 3), add_days('day', -3)
    b - a of times, date_diff('second')      seconds_between('a', 'b'); b - a > interval '30' minute is portable
    epoch_us(a) // n                         time_slot('a', seconds), exact_seconds_between('a', 'b')
    json_keys, json_extract_string           each_json_name('json'), json_scalar('json', 'name')
    isodow(day), isoyear(day)                iso_weekday('day'), iso_year('day')
    string_agg(x, ', ' order by y)           joined_text('x', 'y')
    split_part(path, '/', 1)                 first_level('path'), last_level('path'), parent_path('path')
    last_value(x ignore nulls) over (...)    last_known('x') over (...); first_known likewise
    a // b                                   whole_quotient('a', 'b')
    with x as not materialized (...)         with x as not_kept() (...)
    row_number() over ()                     any_number(): not in a grouped select, and never in a table
    amount / count                           money_per('amount', 'count'): the quotient of decimals is a double or a decimal
    a / b of other numbers                   cast(a as double) / b
    cast(x as varchar)                       cast(x as string); contracts and seeds in YAML keep varchar
    arg_max(x, y), first(x order by y)       row_number() over (... order by y desc, id), then rank 1: ties have an order
    order by a column with nulls             order by column nulls last: the engines put them at different ends
    delete from this where ...               delete_window('day') with partition_by='day', or delete_rows('condition')

    `qualify`, `filter (where ...)`, `group by all`, named windows and `nulls last` are portable as they are. Times are
    timestamps without zone, in UTC.
#}

{% macro event_day(timestamp) -%}
    cast({{ timestamp }} as date)
{%- endmacro %}

{% macro add_days(day, days) -%}
    {%- if target.type == 'spark' -%}
    date_add({{ day }}, {{ days }})
    {%- else -%}
    ({{ day }} + {{ days }})
    {%- endif -%}
{%- endmacro %}

{# Whole days from the first to the second date, an integer. #}
{% macro days_between(first, second) -%}
    {%- if target.type == 'spark' -%}
    datediff({{ second }}, {{ first }})
    {%- else -%}
    ({{ second }} - {{ first }})
    {%- endif -%}
{%- endmacro %}

{# One row per day from the first to the second date, both included; no row when either is null or the second is earlier. #}
{% macro each_day(first, last) -%}
    {%- if target.type == 'spark' -%}
    explode(case when {{ first }} <= {{ last }} then sequence({{ first }}, {{ last }}, interval 1 day) end)
    {%- else -%}
    cast(unnest(generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 day)) as date)
    {%- endif -%}
{%- endmacro %}

{# One row per element of a list; no row when it is empty or null. #}
{% macro each_element(list) -%}
    {{ 'explode' if target.type == 'spark' else 'unnest' }}({{ list }})
{%- endmacro %}

{# Whole seconds that passed from the first to the second timestamp, an integer. #}
{% macro seconds_between(first, second) -%}
    {%- if target.type == 'spark' -%}
    timestampdiff(second, {{ first }}, {{ second }})
    {%- else -%}
    date_sub('second', {{ first }}, {{ second }})
    {%- endif -%}
{%- endmacro %}

{# 1 = Monday ... 7 = Sunday. #}
{% macro iso_weekday(day) -%}
    {%- if target.type == 'spark' -%}
    (weekday({{ day }}) + 1)
    {%- else -%}
    isodow({{ day }})
    {%- endif -%}
{%- endmacro %}

{% macro iso_year(day) -%}
    {%- if target.type == 'spark' -%}
    extract(yearofweek from {{ day }})
    {%- else -%}
    isoyear({{ day }})
    {%- endif -%}
{%- endmacro %}

{# First level of a path such as 'a/b/c'; null stays null, an empty path becomes null. #}
{% macro first_level(path) -%}
    nullif(trim(split_part({{ path }}, '/', 1)), '')
{%- endmacro %}

{# A path without its last level; a path of one level stays as it is. #}
{% macro parent_path(path) -%}
    regexp_replace({{ path }}, '^(.+)/[^/]*$', '{{ '$1' if target.type == 'spark' else '\\1' }}')
{%- endmacro %}

{% macro last_level(path) -%}
    regexp_replace({{ path }}, '^.*/', '')
{%- endmacro %}

{% macro joined_text(value, order_by) -%}
    {%- if target.type == 'spark' -%}
    listagg({{ value }}, ', ') within group (order by {{ order_by }})
    {%- else -%}
    string_agg({{ value }}, ', ' order by {{ order_by }})
    {%- endif -%}
{%- endmacro %}

{# Window functions: the first and the last value of the frame that is not null. #}
{% macro first_known(value) -%}
    first_value({{ known_only(value) }}
{%- endmacro %}

{% macro last_known(value) -%}
    last_value({{ known_only(value) }}
{%- endmacro %}

{% macro known_only(value) -%}
    {{ value ~ ') ignore nulls' if target.type == 'spark' else value ~ ' ignore nulls)' }}
{%- endmacro %}

{# Integer division; both arguments are non-negative integers. #}
{% macro whole_quotient(dividend, divisor) -%}
    (({{ dividend }}) {{ 'div' if target.type == 'spark' else '//' }} ({{ divisor }}))
{%- endmacro %}

{#
    Stands after `as` of what several parts of a query read: they read it once each. DuckDB would keep the rows, which costs
    more where they are wide and cheap to read, and as much again where they do not fit into memory. Spark keeps none.
#}
{% macro not_kept() -%}
    {{ '' if target.type == 'spark' else 'not materialized' }}
{%- endmacro %}

{# A number of the row that no other row has, and another one in the next run: partitions by it cost less than by texts. #}
{% macro any_number() -%}
    {{ 'monotonically_increasing_id()' if target.type == 'spark' else 'row_number() over ()' }}
{%- endmacro %}

{# Number of the stretch of so many seconds a moment lies in: equal numbers, same stretch. #}
{% macro time_slot(timestamp, seconds) -%}
    {{ whole_quotient(microseconds(timestamp), seconds * 1000000) }}
{%- endmacro %}

{# Seconds from the first to the second timestamp with their fractions, a double. #}
{% macro exact_seconds_between(first, second) -%}
    (cast({{ microseconds(second) }} - {{ microseconds(first) }} as double) / 1000000)
{%- endmacro %}

{# Microseconds since 1970. #}
{% macro microseconds(timestamp) -%}
    {%- if target.type == 'spark' -%}
    timestampdiff(microsecond, timestamp '1970-01-01 00:00:00', {{ timestamp }})
    {%- else -%}
    epoch_us({{ timestamp }})
    {%- endif -%}
{%- endmacro %}

{# Names of a JSON object, one row each; no row for null and for anything but an object. #}
{% macro each_json_name(json) -%}
    {{ 'explode(json_object_keys(' if target.type == 'spark' else 'unnest(json_keys(' }}{{ json }}))
{%- endmacro %}

{# A value of a JSON object as text, by its name; null for lists and objects. Spark writes 1.50 as 1.5. #}
{% macro json_scalar(json, name) -%}
    {%- if target.type == 'spark' -%}
    {%- set value = "element_at(from_json(" ~ json ~ ", 'map<string,variant>'), " ~ name ~ ")" -%}
    case
        when not startswith(schema_of_variant({{ value }}), 'ARRAY') and not startswith(schema_of_variant({{ value }}), 'OBJECT')
            then cast({{ value }} as string)
    end
    {%- else -%}
    case
        when json_type(json_extract({{ json }}, concat('$."', {{ name }}, '"'))) not in ('ARRAY', 'OBJECT', 'NULL')
            then json_extract_string({{ json }}, concat('$."', {{ name }}, '"'))
    end
    {%- endif -%}
{%- endmacro %}

{#
    Pre-hooks of incremental models: delete what the model adds again in the same run.

    On Spark a table is a set of Parquet files, which cannot lose single rows. A window of days is dropped as whole
    partitions (the model says `partition_by` for it), so a day that became empty is empty there too; a run that dies in
    between leaves days missing that are still in the ledger of changed days. After any other condition the table is
    emptied and made anew, so the model must add whatever its table lacks.
#}
{% macro delete_days(day, condition) -%}
    {%- if is_incremental() and target.type == 'spark' -%}
        {%- set found = run_query('select distinct ' ~ day ~ ' from ' ~ this ~ ' where ' ~ condition) -%}
        {%- set days = found.columns[0].values() | sort -%}
        {%- if days -%}
            alter table {{ this }} drop
            {%- for one in days %} partition ({{ day }} = date '{{ one }}'){{ ',' if not loop.last }}{%- endfor -%}
        {%- endif -%}
    {%- elif is_incremental() -%}
    delete from {{ this }} where {{ condition }}
    {%- endif -%}
{%- endmacro %}

{# The condition may call the table `known`. #}
{% macro delete_rows(condition) -%}
    {%- if is_incremental() and target.type == 'spark' -%}
    truncate table {{ this }}
    {%- elif is_incremental() -%}
    delete from {{ this }} as known where {{ condition }}
    {%- endif -%}
{%- endmacro %}

{# Whether a table keeps the rows that delete_rows does not name. #}
{% macro keeps_other_rows() -%}
    {{ return(is_incremental() and target.type != 'spark') }}
{%- endmacro %}

{#
    Sources on Spark are Parquet folders `<schema>/<table>` below XBEC_SPARK_SOURCES; DuckDB holds them itself.
    Named anew at the start of every run: files come and go.
#}
{% macro mount_sources() -%}
    {%- if execute and target.type == 'spark' -%}
        {%- for schema in graph.sources.values() | map(attribute='schema') | unique -%}
            {%- do run_query('create schema if not exists ' ~ schema) -%}
        {%- endfor -%}
        {%- for source in graph.sources.values() -%}
            {%- set name = source.schema ~ '.' ~ source.name -%}
            {%- set folder = env_var('XBEC_SPARK_SOURCES') ~ '/' ~ source.schema ~ '/' ~ source.name -%}
            {%- do run_query('drop table if exists ' ~ name) -%}
            {%- do run_query('create table ' ~ name ~ " using parquet location '" ~ folder ~ "'") -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# The adapter has no name for text without a length, as contracts and seeds give it; `cast` is used for both. #}
{% macro spark_type(type) -%}
    {{ 'string' if type | lower == 'varchar' else type }}
{%- endmacro %}

{% macro spark__cast(field, type) -%}
    cast({{ field }} as {{ spark_type(type) }})
{%- endmacro %}

{# Seeds declare all their types. The adapter's own puts values between quotes as they are, quotes and nulls included. #}
{% macro spark__create_csv_table(model, agate_table) -%}
    {%- set table -%}
        create table {{ this }} (
            {%- for name in agate_table.column_names -%}
                {{ name }} {{ spark_type(model.config.column_types[name]) }}{{ ', ' if not loop.last }}
            {%- endfor -%}
        ) using parquet
    {%- endset -%}
    {%- do run_query(table) -%}
    {{ return(table) }}
{%- endmacro %}

{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set rows -%}
        insert into {{ this }} values
        {%- for row in agate_table.rows %}
        (
            {%- for name in agate_table.column_names -%}
                {%- set text = 'null' if row[name] is none else "'" ~ escape_single_quotes(row[name] | string) ~ "'" -%}
                {{ cast(text, model.config.column_types[name]) }}{{ ', ' if not loop.last }}
            {%- endfor -%}
        ){{ ',' if not loop.last }}
        {%- endfor -%}
    {%- endset -%}
    {%- do run_query(rows) -%}
    {{ return(rows) }}
{%- endmacro %}

{#
    A dbt that a person starts may change any table: what the platform has noted as built and unchanged
    (ops.dbt_builds, see warehouse/dbt_builds.py) counts no more. The platform's own calls keep their notes themselves.
#}
{% macro note_start() -%}
    {%- if execute and target.type == 'duckdb' and not given('keeps_notes')
        and flags.WHICH in ['build', 'run', 'seed', 'snapshot', 'retry', 'clone'] -%}
        {%- if adapter.get_relation(target.database, 'ops', 'dbt_builds') -%}
            delete from ops.dbt_builds
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
