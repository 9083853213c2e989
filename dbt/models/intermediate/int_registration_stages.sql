{{ config(materialized='view', tags=['static']) }}

with

stages as (

    select
        stage,
        stage_no,
        name as stage_name,
        is_terminal
    from {{ ref('process_stages') }}
    where process = 'registration'

),

known as (

    select max(drop_date) as known_date from {{ ref('stg_registration_events') }}

),

dated as (

    select
        events.*,
        stages.stage_no,
        min(events.event_date) over (partition by events.attempt_id) as reg_date
    from {{ ref('stg_registration_events') }} as events
    inner join stages on events.stage = stages.stage

),

-- What an attempt is known by is what its first event that says so says.
events as (

    select
        *,
        {{ first_known('market') }} over whole_attempt as attempt_market,
        {{ first_known('channel') }} over whole_attempt as attempt_channel,
        {{ first_known('device') }} over whole_attempt as attempt_device,
        last_value(result) over whole_attempt as last_result
    from dated
    where event_date <= {{ add_days('reg_date', registration_days()) }}
    window whole_attempt as (
        partition by attempt_id
        order by event_ts, stage_no, event_id
        rows between unbounded preceding and unbounded following
    )

),

attempts as (

    select
        attempt_id,
        reg_date,
        coalesce(min(attempt_market), 'unknown') as market,
        coalesce(min(attempt_channel), 'unknown') as channel,
        coalesce(min(attempt_device), 'unknown') as device,
        min(customer_id) as customer_id,
        min(event_ts) as first_ts,
        min(last_result) = 'stopped' as is_stopped,
        max(stage_no) as tried_no,
        coalesce(max(case when result = 'ok' then stage_no end), 0) as reached_no
    from events
    group by attempt_id, reg_date

),

tries as (

    select
        attempt_id,
        stage_no,
        -- A stage that comes again was passed when it came first.
        min(case when result = 'ok' then event_ts end) as passed_ts,
        sum(case when result = 'failed' then 1 else 0 end) as n_failed
    from events
    group by attempt_id, stage_no

),

-- First versions: what an account said of itself later was not known when it was made.
accounts as (

    select
        customer_id,
        email_hash,
        phone_hash,
        birth_year,
        gender,
        coalesce(registered_ts, updated_ts) as registered_ts,
        row_number() over (
            partition by customer_id
            order by updated_ts
        ) as version_no
    from {{ ref('stg_customer_versions') }}
    where {{ known_customer('customer_id') }} is not null

),

contacts as (

    select
        customer_id,
        birth_year,
        gender,
        'email' as kind,
        email_hash as contact,
        registered_ts
    from accounts
    where version_no = 1 and email_hash is not null
    union all
    select
        customer_id,
        birth_year,
        gender,
        'phone' as kind,
        phone_hash as contact,
        registered_ts
    from accounts
    where version_no = 1 and phone_hash is not null

),

ranked as (

    select
        *,
        row_number() over (
            partition by kind, contact
            order by registered_ts, customer_id
        ) as account_no
    from contacts

),

-- The rules of ml.identity_map, seen from the later account: a contact of more than 5 accounts is nobody's,
-- and a telephone is a household's unless both state the same year of birth.
registered_again as (

    select distinct later.customer_id
    from ranked as later
    inner join ranked as earlier
        on
            later.kind = earlier.kind
            and later.contact = earlier.contact
            and later.account_no > earlier.account_no
    where
        later.account_no <= 5
        and (later.kind = 'email' or later.birth_year = earlier.birth_year)
        and coalesce(later.birth_year = earlier.birth_year, true)
        and coalesce(later.gender = earlier.gender, true)

),

placed as (

    select
        attempts.*,
        stages.stage,
        stages.stage_no,
        stages.stage_name,
        tries.passed_ts,
        coalesce(tries.n_failed, 0) as n_failed,
        -- Where the attempt is now: past all that it has passed or tried; nowhere once it is complete.
        case
            when attempts.tried_no > attempts.reached_no then attempts.tried_no
            when
                max(case when tries.passed_ts is not null and stages.is_terminal then 1 else 0 end)
                    over whole_attempt
                = 0
                then attempts.reached_no + 1
        end as current_no,
        min(tries.passed_ts) over (
            partition by attempts.attempt_id
            order by stages.stage_no desc
            rows between unbounded preceding and 1 preceding
        ) as next_passed_ts,
        {{ days_between('attempts.reg_date', 'known.known_date') }} > {{ registration_days() }} as is_closed
    from attempts
    cross join stages
    cross join known
    left join tries on attempts.attempt_id = tries.attempt_id and stages.stage_no = tries.stage_no
    window whole_attempt as (partition by attempts.attempt_id)

),

judged as (

    select
        *,
        case
            when passed_ts is not null then 'passed'
            when stage_no = current_no and (is_stopped or is_closed) then 'abandoned'
            when stage_no = current_no then 'open'
            when stage_no < coalesce(current_no, reached_no) then 'skipped'
            else 'not reached'
        end as outcome,
        -- A stage that came after one that should follow it.
        coalesce(passed_ts > next_passed_ts, false) as is_out_of_order
    from placed

),

timed as (

    select
        *,
        case when not is_out_of_order then passed_ts end as ordered_ts
    from judged

)

select
    timed.attempt_id,
    timed.stage,
    timed.stage_no,
    timed.stage_name,

    timed.customer_id,
    timed.reg_date,
    timed.market,
    timed.channel,
    timed.device,
    timed.outcome,
    timed.passed_ts,

    timed.n_failed,
    {{ seconds_between(
        'max(timed.ordered_ts) over (partition by timed.attempt_id order by timed.stage_no '
        ~ 'rows between unbounded preceding and 1 preceding)',
        'timed.ordered_ts'
    ) }} as step_s,
    {{ seconds_between('timed.first_ts', 'timed.passed_ts') }} as elapsed_s,

    timed.is_out_of_order,
    timed.is_closed,
    registered_again.customer_id is not null
    or (
        timed.customer_id is not null
        and min(timed.first_ts) over (partition by timed.customer_id) < timed.first_ts
    ) as is_duplicate
from timed
left join registered_again on timed.customer_id = registered_again.customer_id
