"""The intake plan: what is loaded depends on which files there are, not on the order in which they came."""

from datetime import date

from xbec_platform.ingest.accounting import LandedFile
from xbec_platform.ingest.manifest import DUPLICATE, LOADED, REJECTED, SUPERSEDED, ManifestEntry, plan_intake


def file(path: str, sha: str) -> LandedFile:
    feed, folder, _ = path.split("/")
    return LandedFile(feed, date.fromisoformat(folder.removeprefix("dt=")), path, sha, 1)


EARLY, LATE = file("orders/dt=2026-01-01/a.csv", "s1"), file("orders/dt=2026-01-02/a.csv", "s1")


def test_new_file_is_loaded() -> None:
    """Nothing known, one file."""
    assert plan_intake([EARLY], []).load == (EARLY,)


def test_same_file_again_is_a_no_op() -> None:
    """The same content at the same place changes nothing."""
    assert plan_intake([EARLY], [ManifestEntry(EARLY, LOADED)]).is_empty


def test_corrected_file_supersedes() -> None:
    """New content at a known path takes the old rows out and the new ones in."""
    corrected = file(EARLY.path, "s2")
    plan = plan_intake([corrected], [ManifestEntry(EARLY, LOADED)])
    assert plan.load == (corrected,)
    assert plan.withdraw == ((EARLY, SUPERSEDED),)


def test_same_content_twice_is_loaded_once_by_the_earlier_day() -> None:
    """Both at once: the earlier one owns the rows."""
    plan = plan_intake([LATE, EARLY], [])
    assert plan.load == (EARLY,)
    assert plan.duplicates == ((LATE, EARLY),)


def test_earlier_copy_that_arrives_later_takes_over() -> None:
    """The other order must end in the same tables: the earlier day takes the rows over."""
    plan = plan_intake([EARLY], [ManifestEntry(LATE, LOADED)])
    assert plan.load == (EARLY,)
    assert plan.withdraw == ((LATE, DUPLICATE),)


def test_duplicate_is_loaded_when_its_owner_changes() -> None:
    """The owner got new content: the copy now holds the only old content and must come in."""
    corrected = file(EARLY.path, "s2")
    plan = plan_intake(
        [corrected], [ManifestEntry(EARLY, LOADED), ManifestEntry(LATE, DUPLICATE, EARLY.path)]
    )
    assert set(plan.load) == {corrected, LATE}


def test_copy_notes_its_new_owner() -> None:
    """Content that turns up at a still earlier place: every copy names the same owner, whatever came first."""
    first, later = file("orders/dt=2025-12-31/a.csv", "s1"), file("orders/dt=2026-01-03/a.csv", "s1")
    known = [ManifestEntry(EARLY, LOADED), ManifestEntry(later, DUPLICATE, EARLY.path)]
    plan = plan_intake([first], known)
    assert plan.load == (first,)
    assert plan.withdraw == ((EARLY, DUPLICATE),)
    assert set(plan.duplicates) == {(EARLY, first), (later, first)}
    noted = [ManifestEntry(first, LOADED), ManifestEntry(later, DUPLICATE, first.path)]
    assert plan_intake([], noted).is_empty


def test_rejected_file_is_tried_again() -> None:
    """Rules or reference data may have been mended since."""
    assert plan_intake([EARLY], [ManifestEntry(EARLY, REJECTED)]).load == (EARLY,)


def test_same_content_of_another_feed_is_no_duplicate() -> None:
    """Feeds are read by different contracts."""
    other = file("returns/dt=2026-01-01/a.csv", "s1")
    assert len(plan_intake([EARLY, other], []).load) == 2
