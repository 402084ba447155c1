"""histograms.hlog, and several of them together."""

from __future__ import annotations

from pathlib import Path

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from proxy.files.yaml_file import FileErrors
from simulator.judging.histogram import Histogram
from simulator.results.histograms import Histograms, merged, read_histograms, write_histograms

MORNING = Histograms(1000.0, 1010.0, {"transit_time": Histogram([0.001, 0.002]), "other": Histogram([1.0])})
EVENING = Histograms(5000.0, 5001.5, {"added_setup_delay": Histogram([-0.001]), "transit_time": Histogram([0.004])})


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_histograms(tmp_path / "histograms.hlog", EVENING)
    read = read_histograms(tmp_path)  # the folder of a run
    assert (read.began, read.ended, list(read.times)) == (5000.0, 5001.5, ["added_setup_delay", "transit_time"])
    assert {name: each.bars() for name, each in read.times.items()} == {
        name: each.bars() for name, each in EVENING.times.items()
    }


def test_the_reader_of_hdrhistogram_reads_it_in_nanoseconds(tmp_path: Path) -> None:
    write_histograms(path := tmp_path / "some.hlog", EVENING)
    reader = HistogramLogReader(str(path), HdrHistogram(1, 10**12, 3))
    first, second = reader.get_next_interval_histogram(), reader.get_next_interval_histogram()
    assert (first.get_tag(), second.get_tag()) == ("added_setup_delay.negative", "transit_time")
    assert second.values_are_equivalent(second.get_max_value(), 4_000_000)
    assert (second.get_total_count(), second.get_end_time_stamp()) == (1, 5_001_500)
    assert reader.get_next_interval_histogram() is None
    reader.close()


def test_several_runs_are_added_up_in_the_order_in_which_times_are_told() -> None:
    both = merged([MORNING, EVENING])
    assert (both.began, both.ended) == (1000.0, 5001.5)
    assert {name: each.count for name, each in both.times.items()} == {
        "added_setup_delay": 1,
        "transit_time": 3,
        "other": 1,
    }
    assert list(both.times) == ["added_setup_delay", "transit_time", "other"]
    assert merged([]).times == {}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1,2,3,HISTF", ":1:1: found 1,2,3,HISTF, expected a line of an HdrHistogram log"),
        (
            "Tag=a,0.0,1.0,1.0,HISTFAAAAEV42pNpmSz",
            ":1:19: found HISTFAAAAEV42pNpmSz, expected an HDR histogram",
        ),
        ("Tag=a,0..0,1.0,1.0,HISTF", ":1:1: found Tag=a,0..0,1.0,1.0,HISTF, expected a line"),
    ],
)
def test_what_is_no_histogram_is_told_with_its_place(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "x.hlog").write_text(line)
    with pytest.raises(FileErrors) as error:
        read_histograms(tmp_path / "x.hlog")
    assert told in str(error.value)


def test_a_folder_without_histograms_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileErrors, match=r"histograms\.hlog: No such file"):
        read_histograms(tmp_path)
    (tmp_path / "x.hlog").write_bytes(b"\xff")
    with pytest.raises(FileErrors, match="this is no text"):
        read_histograms(tmp_path / "x.hlog")
