"""Checks of what is said about parcels: keys, nobody forgotten, coverage of lead times, faulty times."""

from xbec_platform import asset_keys
from xbec_platform.checks.table_checks import TableCheck, unique_key

COVERAGE_GAP = 0.05
MIN_CALIBRATION = 200

SHIPMENT_CHECKS = (
    unique_key(asset_keys.LANE_LEADTIME, "as_of_date", "measure", "lane"),
    unique_key(asset_keys.ONTIME, "as_of_date", "lane"),
    unique_key(asset_keys.STAGE_DWELL, "as_of_date", "stage", "mode"),
    unique_key(asset_keys.DELAYED_SHIPMENTS, "as_of_date", "parcel_id"),
    unique_key(asset_keys.FAULTY_SHIPMENTS, "as_of_date", "parcel_id"),
    TableCheck(
        asset_keys.LANE_LEADTIME,
        "coverage_kept",
        f"Of the last year's parcels 0.9 +- {COVERAGE_GAP} arrived by their P90 as it was predicted; judged from "
        f"{MIN_CALIBRATION} deliveries on.",
        f"""SELECT DISTINCT as_of_date, measure, coverage_after, n_calibration FROM ml.lane_leadtime
        WHERE n_calibration >= {MIN_CALIBRATION} AND abs(coverage_after - 0.9) > {COVERAGE_GAP} ORDER BY ALL""",
        blocking=False,
    ),
    TableCheck(
        asset_keys.LANE_LEADTIME,
        "parcels_conserved",
        "Every parcel of the last two years is in the row of everything, or is named as faulty.",
        """WITH shipped AS (
            SELECT d.as_of_date, count(*) AS n FROM (
                SELECT DISTINCT as_of_date FROM ml.lane_leadtime WHERE as_of_date BETWEEN $first AND $last
            ) AS d
            JOIN marts.fct_shipment AS s
                ON s.shipped_date <= d.as_of_date AND s.shipped_date > d.as_of_date - 730
            GROUP BY ALL
        ), faulty AS (
            SELECT as_of_date, count(*) AS n FROM ml.faulty_shipments GROUP BY ALL
        )
        SELECT s.as_of_date, s.n, l.n_parcels, f.n FROM shipped AS s
        LEFT JOIN ml.lane_leadtime AS l
            ON l.as_of_date = s.as_of_date AND l.measure = 'ship_to_door' AND l.level = 'all'
        LEFT JOIN faulty AS f ON f.as_of_date = s.as_of_date
        WHERE s.n <> coalesce(l.n_parcels, 0) + coalesce(f.n, 0) ORDER BY ALL""",
        blocking=False,
    ),
    TableCheck(
        asset_keys.DELAYED_SHIPMENTS,
        "reasons_given",
        "Every delayed parcel has a reason, and what it was judged by.",
        """SELECT as_of_date, parcel_id FROM ml.delayed_shipments
        WHERE reason IS NULL OR (is_silent AND silent_p95_hours IS NULL)
            OR (is_predicted_late AND predicted_p90_ts IS NULL) ORDER BY ALL""",
    ),
    TableCheck(
        asset_keys.FAULTY_SHIPMENTS,
        "no_faulty_times",
        "No parcel has times that cannot be true.",
        "SELECT as_of_date, parcel_id, reason FROM ml.faulty_shipments ORDER BY ALL",
        blocking=False,
    ),
    unique_key(asset_keys.DELAY_EFFECT, "as_of_date", "outcome", "method"),
    unique_key(asset_keys.SERVICE_INDEX, "as_of_date", "lane"),
    unique_key(asset_keys.SERVICE_LOADINGS, "as_of_date", "indicator"),
    TableCheck(
        asset_keys.DELAY_EFFECT,
        "numbers_only_with_enough",
        "Effects stand only where both arms are large enough, within their interval and with their caveat.",
        """SELECT as_of_date, outcome, method FROM ml.delay_effect
        WHERE caveat IS NULL OR (status = 'too_few' AND effect IS NOT NULL)
            OR NOT coalesce(effect BETWEEN effect_low AND effect_high, true) ORDER BY ALL""",
    ),
)
