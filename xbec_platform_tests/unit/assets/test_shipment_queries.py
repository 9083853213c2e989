"""What is read of parcels as of a day: scans and contradictions of later days are not known yet."""

from datetime import date, datetime
from pathlib import Path

import pytest

from xbec_platform.assets.model_tables import read_as_of
from xbec_platform.assets.shipments import QUERIES
from xbec_platform.warehouse.database import Warehouse

# A is delivered on the 2nd; on the 4th a scan says that it departed after that: delivered is quarantined from then on.
# B arrives by a clock that ran 3 hours slow: as of the 2nd the later scan that puts it right is not there.
TABLES = """
CREATE SCHEMA marts; CREATE SCHEMA seeds;
CREATE TABLE seeds.process_stages AS SELECT * FROM (VALUES
    ('departed', 7, true, false), ('arrived_port', 8, true, false), ('delivered', 13, true, true)
) AS t(stage, stage_no, is_ordered, is_terminal);
CREATE TABLE marts.fct_shipment_stage AS SELECT *, scan_ts::DATE AS scan_date, 'C' AS carrier FROM (VALUES
    ('A', 'delivered', TIMESTAMP '2026-01-02 10:00:00', TIMESTAMP '2026-01-04 10:00:00'),
    ('A', 'departed', TIMESTAMP '2026-01-04 10:00:00', NULL),
    ('B', 'arrived_port', TIMESTAMP '2026-01-02 23:00:00', NULL),
    ('B', 'departed', TIMESTAMP '2026-01-03 02:00:00', NULL),
    ('B', 'unknown:ZZ9', TIMESTAMP '2026-01-02 09:00:00', TIMESTAMP '2026-01-02 09:00:00')
) AS t(parcel_id, stage, scan_ts, reason_ts);
"""


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (2, [("A", "delivered", datetime(2026, 1, 2, 10)), ("B", "arrived_port", datetime(2026, 1, 2, 23))]),
        (
            3,
            [
                ("A", "delivered", datetime(2026, 1, 2, 10)),
                ("B", "departed", datetime(2026, 1, 3, 2)),
                ("B", "arrived_port", datetime(2026, 1, 3, 2)),
            ],
        ),
        (
            4,
            [
                ("A", "departed", datetime(2026, 1, 4, 10)),
                ("B", "departed", datetime(2026, 1, 3, 2)),
                ("B", "arrived_port", datetime(2026, 1, 3, 2)),
            ],
        ),
    ],
)
def test_stages_as_of_a_day(tmp_path: Path, day: int, expected: list[tuple[str, str, datetime]]) -> None:
    """Contradictions count from the scan that shows them, and clocks are put right by what was scanned so far."""
    warehouse = Warehouse(tmp_path / "w.duckdb")
    with warehouse.transaction("test") as connection:
        connection.execute(TABLES)
    query = {"stages": QUERIES["stages"]}
    frame = read_as_of(warehouse, query, date(2026, 1, day), purpose="test")["stages"]
    assert frame.select("parcel_id", "stage", "stage_ts").rows() == expected
