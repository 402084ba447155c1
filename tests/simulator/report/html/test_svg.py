"""Elements as text."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from simulator.report.html.svg import joined, path, tag


def test_whatever_is_no_element_is_escaped() -> None:
    made = tag("text", "<b>", tag("tspan", "&"), class_="a", data_name='"x">', left_out=None)
    assert made == '<text class="a" data-name="&#34;x&#34;&gt;">&lt;b&gt;<tspan>&amp;</tspan></text>'
    assert tag("g", joined([tag("a"), tag("b")])) == "<g><a/><b/></g>"


def test_control_characters_are_shown_and_leave_it_xml() -> None:
    assert ET.fromstring(tag("text", "a\x00b\x1b[1m\x7f")).text == "a␀b␛[1m␡"  # noqa: S314 - our own


def test_lengths_have_one_decimal() -> None:
    assert tag("line", x1=1.0, y1=2.25) == '<line x1="1" y1="2.2"/>'
    assert path([(0, 1.5), (2.04, 3)]) == "M0 1.5L2 3"
