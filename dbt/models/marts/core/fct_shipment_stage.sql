{{ config(
    materialized='incremental',
    pre_hook="{{ delete_touched_parcels() }}",
    tags=['event_day'],
) }}

with

scans as (

    select scans.*
    from {{ ref('int_shipment_scans') }} as scans
    {% if is_incremental() %}
        where
            not exists (
                select 1
                from {{ this }} as known
                where known.parcel_id = scans.parcel_id
            )
    {% endif %}

),

first_scans as (

    -- A stage that is scanned again happened when it was scanned first.
    select
        parcel_id,
        stage,
        stage_no,
        is_ordered,
        is_known,
        carrier,
        tracking_no,
        code,
        location,
        weight_kg,
        scan_ts,
        scan_date,
        min(order_id) over (partition by parcel_id) as order_id,
        count(*) over (partition by parcel_id, stage) as n_scans,
        max(scan_date) over (partition by parcel_id, stage) as last_scan_date,
        row_number() over (
            partition by parcel_id, stage
            order by scan_ts, carrier, tracking_no, code
        ) as scan_no
    from scans

),

stages as (

    select * from first_scans
    where scan_no = 1

),

-- Pairs that cannot both be true: more than 24 hours against the order, or delivered before departed.
conflicts as (

    select
        earlier.parcel_id,
        earlier.stage as earlier_stage,
        later.stage as later_stage,
        earlier.scan_ts as known_ts
    from stages as earlier
    inner join stages as later
        on
            earlier.parcel_id = later.parcel_id
            and earlier.stage_no < later.stage_no
            and earlier.scan_ts > later.scan_ts
    where
        earlier.is_ordered
        and later.is_ordered
        and (
            earlier.scan_ts > later.scan_ts + interval '24' hour
            or (earlier.stage = 'departed' and later.stage = 'delivered')
        )

),

conflict_counts as (

    select
        parcel_id,
        stage,
        count(*) as n_conflicts
    from (
        select
            parcel_id,
            earlier_stage as stage
        from conflicts
        union all
        select
            parcel_id,
            later_stage as stage
        from conflicts
    ) as sides
    group by parcel_id, stage

),

-- The scan that contradicts most others is the wrong one; of two the one whose stage should have come later.
wrong as (

    select
        conflicts.parcel_id,
        case
            when earlier.n_conflicts > later.n_conflicts then conflicts.earlier_stage
            else conflicts.later_stage
        end as stage,
        max(
            case
                when conflicts.earlier_stage = 'departed' and conflicts.later_stage = 'delivered'
                    then 'delivered_before_departed'
                else 'out_of_order'
            end
        ) as reason,
        min(conflicts.known_ts) as reason_ts
    from conflicts
    inner join conflict_counts as earlier
        on conflicts.parcel_id = earlier.parcel_id and conflicts.earlier_stage = earlier.stage
    inner join conflict_counts as later
        on conflicts.parcel_id = later.parcel_id and conflicts.later_stage = later.stage
    group by
        conflicts.parcel_id,
        case
            when earlier.n_conflicts > later.n_conflicts then conflicts.earlier_stage
            else conflicts.later_stage
        end

),

judged as (

    select
        stages.*,
        case when stages.is_known then wrong.reason else 'unknown_code' end as reason,
        case when stages.is_known then wrong.reason_ts else stages.scan_ts end as reason_ts,
        stages.is_ordered and wrong.reason is null as is_in_sequence
    from stages
    left join wrong on stages.parcel_id = wrong.parcel_id and stages.stage = wrong.stage

),

timed as (

    select
        *,
        -- Within 24 hours a clock ran wrong: nothing happens before the stage ahead of it.
        case
            when is_in_sequence
                then max(scan_ts) over (
                    partition by parcel_id, is_in_sequence
                    order by stage_no
                    rows between unbounded preceding and current row
                )
            when reason is null then scan_ts
        end as stage_ts
    from judged

),

dwelled as (

    select
        *,
        case
            when is_in_sequence
                then lag(stage) over (partition by parcel_id, is_in_sequence order by stage_no)
        end as previous_stage,
        case
            when is_in_sequence
                then lag(stage_ts) over (partition by parcel_id, is_in_sequence order by stage_no)
        end as previous_stage_ts
    from timed

)

select
    parcel_id,
    stage,
    stage_no,
    scan_date,
    last_scan_date,
    scan_ts,
    stage_ts,

    order_id,
    carrier,
    tracking_no,
    code,
    location,
    previous_stage,
    case
        when reason is not null then 'quarantined'
        when stage_ts > scan_ts then 'reordered'
        else 'ok'
    end as status,
    reason,
    reason_ts,

    weight_kg,
    {{ seconds_between('previous_stage_ts', 'stage_ts') }} as dwell_s,
    n_scans
from dwelled
