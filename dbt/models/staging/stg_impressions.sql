with

source as (

    select * from {{ source('raw', 'impressions') }}

),

-- Hardly any impression comes twice, and to rank them all costs more than to count them.
repeated as (

    select impression_id
    from {{ source('raw', 'impressions') }}
    group by 1
    having count(*) > 1

),

versions as (

    select
        impression_id,
        _file_id,
        _row_no,
        {{ version_rank(['impression_id']) }} as version_rank
    from {{ source('raw', 'impressions') }}
    where impression_id in (select repeated.impression_id from repeated)

)

select
    source.impression_id,
    source.campaign_id,
    source.slot_id,
    {{ known_customer('source.customer_id') }} as customer_id,
    source.session_id,
    source.product_id,

    source.viewable,

    {{ event_day('source.ts') }} as impression_date,
    source.ts as impression_ts,

    coalesce(source._feed, 'impressions') as feed
from source
left join versions on source.impression_id = versions.impression_id and versions.version_rank = 1
where
    versions.impression_id is null
    or (source._file_id = versions._file_id and source._row_no = versions._row_no)
