"""Mappings and files written for one test each."""

from datetime import date
from pathlib import Path

from xbec_platform.ingest.mapping_document import load_mapping
from xbec_platform.ingest.mapping_model import SourceMapping
from xbec_platform.ingest.mapping_sample import Sample, read_sample
from xbec_platform.ingest.mappings import mappings

SAMPLES = Path(__file__).parent / "samples"
HEAD = "mapping: mine\ndescription: d\nshop: s\nbase_currency: EUR\n"


def write_mapping(folder: Path, body: str, name: str = "mine") -> Path:
    """A mapping file; `body` is all but the head every mapping needs."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yml"
    path.write_text(HEAD.replace("mine", name) + body)
    return path


def mapped(folder: Path, body: str, csv: str, day: date = date(2026, 3, 5)) -> Sample:
    """What becomes of a CSV under a mapping."""
    path = folder / "sample.csv"
    path.write_text(csv)
    return read_sample(path, load_mapping(write_mapping(folder, body)), day)


def sample_of(name: str, file: str, day: date = date(2026, 3, 5)) -> tuple[SourceMapping, Sample]:
    """What becomes of a vendor's sample under the platform's mapping."""
    mapping = mappings()[name]
    return mapping, read_sample(SAMPLES / file, mapping, day)
