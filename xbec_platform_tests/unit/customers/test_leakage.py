"""Features that know the outcome: flagged by what they can do, on made and on public data."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from xbec_platform.cli import app
from xbec_platform.customers.leakage import LeakParams, find_leaks


def shoppers(n: int = 600, seed: int = 4) -> tuple[pl.DataFrame, pl.Series]:
    """Three honest habits that say a little each, and whether somebody bought."""
    rng = np.random.default_rng(seed)
    habits = rng.normal(size=(n, 3))
    bought = habits.sum(axis=1) + rng.normal(0, 2, n) > 0.5
    frame = pl.DataFrame(
        {
            "pages": habits[:, 0],
            "minutes": habits[:, 1],
            "device": pl.Series(np.where(habits[:, 2] > 0, "desktop", "phone")),
        }
    )
    return frame, pl.Series(bought)


def test_honest_habits_are_no_leaks() -> None:
    """Each says less than the others together; the AUC is the same without the leaks there are not."""
    report = find_leaks(*shoppers())
    assert report.leaks == []
    assert report.auc == report.auc_without_leaks
    assert 0.6 < report.auc < 0.9


def test_a_value_written_by_the_outcome_is_flagged() -> None:
    """The value of the order so far: nothing before the sale, known for nine buyers in ten; missing is a value."""
    frame, bought = shoppers()
    seen = pl.Series(np.random.default_rng(1).random(len(bought)) < 0.9)
    leaky = frame.with_columns(order_value=pl.when(bought & seen).then(42.0))
    report = find_leaks(leaky, bought)
    assert report.leaks == ["order_value"]
    assert report.auc_without_leaks == find_leaks(frame, bought).auc


def test_two_leaks_do_not_hide_each_other() -> None:
    """Beside its twin a leak is not better than all others together."""
    frame, bought = shoppers()
    noise = np.random.default_rng(2).normal(0, 0.4, (2, len(bought)))
    twins = frame.with_columns(
        paid=pl.Series(bought.cast(pl.Float64).to_numpy() + noise[0]),
        points=pl.Series(bought.cast(pl.Float64).to_numpy() + noise[1]),
    )
    assert sorted(find_leaks(twins, bought).leaks) == ["paid", "points"]


def test_page_values_are_found_on_public_data(shared_data: Path) -> None:
    """UCI Online Shoppers: PageValues is flagged by the platform; what is left reaches an AUC of .775."""
    table = pl.read_csv(
        shared_data / "online_shoppers" / "online_shoppers_intention.csv", infer_schema_length=None
    )
    outcome = table["Revenue"].cast(pl.String).str.to_lowercase().is_in(["1", "true"])
    report = find_leaks(table.drop("Revenue"), outcome, LeakParams(most_leaks=1))
    assert report.leaks == ["PageValues"]
    assert report.auc > 0.92
    assert report.auc_without_leaks >= 0.775


def test_command_names_the_leak(tmp_path: Path) -> None:
    """Exit code 1 and the feature; a wrong column or value says what to give."""
    frame, bought = shoppers()
    frame.with_columns(spent=pl.when(bought).then(9.5).otherwise(0.0), bought=bought).write_csv(
        tmp_path / "t.csv"
    )
    done = CliRunner().invoke(app, ["leaks", str(tmp_path / "t.csv"), "--outcome", "bought"])
    assert done.exit_code == 1
    assert "spent: alone better than all others" in " ".join(done.stdout.split())
    wrong = CliRunner().invoke(app, ["leaks", str(tmp_path / "t.csv"), "--outcome", "device"])
    assert wrong.exit_code == 2
    assert "give 0 and 1" in wrong.stderr


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ([True, False], "2 outcomes for 600 rows"),
        ([None] + [True] * 599, "1 rows have no outcome"),
        ([True] * 600, "too few to learn from"),  # everybody bought: nothing to rank
    ],
)
def test_outcomes_nothing_can_be_learned_from(outcome: list[bool], words: str) -> None:
    """Each with what is wrong."""
    with pytest.raises(ValueError, match=words):
        find_leaks(shoppers()[0], outcome)
