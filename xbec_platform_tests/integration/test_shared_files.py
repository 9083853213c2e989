"""Every file of the shared data: the readers count what independent readers count, and lose no record."""

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from xbec_platform.ingest.formats.reading import read_blocks, read_records
from xbec_platform.ingest.formats.records import Expectation, FileRejectedError, Reading

# Delimiter and encoding as the README of the data and a look at each file say; header rows are not counted.
TABLES = {
    "brunel/FreightRates.csv": (",", "utf-8"),
    "brunel/OrderList.csv": (",", "utf-8"),
    "brunel/PlantPorts.csv": (",", "utf-8"),
    "brunel/ProductsPerPlant.csv": (",", "utf-8"),
    "brunel/VmiCustomers.csv": (",", "utf-8"),
    "brunel/WhCapacities.csv": (",", "utf-8"),
    "brunel/WhCosts.csv": (",", "utf-8"),
    "holmberg/optima.csv": (",", "utf-8"),
    "online_shoppers/online_shoppers_intention.csv": (",", "utf-8"),
    "orlib/optima.csv": (",", "utf-8"),
    "reference/countries.csv": (",", "utf-8"),
    "reference/country_centroids.csv": (",", "utf-8"),
    "reference/dist_cepii.csv": (",", "utf-8"),
    "reference/harmonized-system.csv": (",", "utf-8"),
    "reference/world_port_index.csv": (",", "utf-8"),
    "scms/scms_delivery_history.tsv": ("\t", "latin-1"),
}


@pytest.mark.parametrize("name", sorted(TABLES))
def test_tables_of_text_are_counted_exactly(shared_data: Path, name: str) -> None:
    """All records, whole and in blocks of 500, with the numbers Python's csv module finds."""
    delimiter, encoding = TABLES[name]
    path = shared_data / name
    with path.open(encoding=encoding, newline="") as stream:
        expected = sum(1 for row in csv.reader(stream, delimiter=delimiter) if row) - 1
    declared = Reading() if encoding == "utf-8" else Reading(encoding=encoding)
    expect = Expectation(reading=declared)
    assert read_records(path, expect).rows_in == expected
    assert sum(block.rows_in for block in read_blocks(path, expect, block_rows=500)) == expected


def test_parquet_files_are_counted_exactly(shared_data: Path) -> None:
    """Nested exports too."""
    for path in sorted(shared_data.rglob("*.parquet")):
        expected = pq.ParquetFile(path).metadata.num_rows
        assert sum(one.rows_in for one in read_blocks(path, Expectation(), block_rows=100_000)) == expected


def test_an_undeclared_encoding_that_can_be_two_is_refused(shared_data: Path) -> None:
    """SCMS mixes latin-1 with one UTF-8 letter: which is right, nobody can tell from the file."""
    with pytest.raises(FileRejectedError, match=r"(?s)utf-8|UTF-8"):
        read_records(shared_data / "scms" / "scms_delivery_history.tsv")


@pytest.mark.parametrize("name", ["eu_vat_rates_data.json", "sales_tax_rates_world.json"])
def test_documents_are_refused_whole(shared_data: Path, name: str) -> None:
    """One JSON document is no table of records."""
    with pytest.raises(FileRejectedError, match="one JSON document"):
        read_records(shared_data / "reference" / name)
