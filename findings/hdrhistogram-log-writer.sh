#!/usr/bin/env bash
# hdrhistogram 0.10.8: the writer of histogram logs (hdrh.log.HistogramLogWriter) and its own reader.
#
# Seen: output_start_time with milliseconds of the epoch, as its docstring says, raises ValueError (a year out of range), and
# with seconds AttributeError (`iso_format`): no log can say when it began. The tag of a histogram is not written, so that
# two tagged histograms come back from the library's reader without their names.
# Expected: the line `#[StartTime: ...` that the reader understands, and `Tag=NAME,` before the interval, which it reads too.
#
# Ends with 0 if it is still so, with 1 if anything differs. Needs Python 3.11 or newer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check hdrhistogram==0.10.8 pbr==7.1.3

cat >logs.py <<'PY'
import io

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader, HistogramLogWriter

BEGAN = 1_767_225_600_000  # milliseconds of the epoch: 2026-01-01


def said(given):
    try:
        HistogramLogWriter(io.StringIO()).output_start_time(given)
    except (ValueError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"
    return "a line"


def histogram(tag):
    made = HdrHistogram(1, 3_600_000_000, 3)
    made.set_tag(tag)
    made.record_value(1500)
    return made


written = io.StringIO()
writer = HistogramLogWriter(written)
writer.output_log_format_version()
for tag in ("direct", "proxied"):
    writer.output_interval_histogram(histogram(tag), BEGAN / 1000, BEGAN / 1000 + 1)
with open("untagged.hlog", "w") as file:
    file.write(written.getvalue())
with open("tagged.hlog", "w") as file:  # the same, with the tags that the format has since 1.2
    lines = written.getvalue().splitlines()
    file.write("\n".join([lines[0], *(f"Tag={tag},{line}" for tag, line in zip(("direct", "proxied"), lines[1:]))]) + "\n")


def tags(path):
    reader = HistogramLogReader(path, HdrHistogram(1, 3_600_000_000, 3))
    found = []
    while (one := reader.get_next_interval_histogram()) is not None:
        found.append(one.get_tag())
    return found


print("milliseconds:", said(BEGAN))
print("seconds:", said(BEGAN / 1000))
print("tags as written:", tags("untagged.hlog"))
print("tags written by hand:", tags("tagged.hlog"))
PY
env/bin/python logs.py >said
cat >expected <<'TEXT'
milliseconds: ValueError: year 57971 is out of range
seconds: AttributeError: 'datetime.datetime' object has no attribute 'iso_format'
tags as written: [None, None]
tags written by hand: ['direct', 'proxied']
TEXT
diff expected said
echo "as described: a log cannot say when it began, and loses its tags"
