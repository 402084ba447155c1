"""Call records of other switches, read as calls to play."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxy.files.yaml_file import FileContext, FileErrors
from simulator.play.jobs import jobs
from simulator.scenario.model import load_scenarios
from simulator.scenario.records import Records
from simulator.traffic import call_records, record_rows
from simulator.traffic.call_records import Reading, RecordedCall, read_records, told

ASTERISK = '"","{src}","{dst}","in","""{name}"" <{src}>","PJSIP/c-{n}","PJSIP/p-{n}","Dial","",{rest},"DOCUMENTATION"'


def row(n: int, outcome: str, rest: str, src: str = "+6591234567", dst: str = "+8613800138001") -> str:
    return ASTERISK.format(src=src, dst=dst, name="Tan, Mei", n=n, rest=f'{rest},"{outcome}"')


def records(path: Path, text: str, **more: Any) -> Records:
    path.write_text(text, encoding="utf-8")
    context = FileContext(path=path, document={})
    return Records.model_validate({"file": path.name, **more}, context=context)


def read(path: Path, text: str, **more: Any) -> tuple[list[RecordedCall], Reading]:
    reading = Reading()
    return list(read_records(records(path, text, **more), reading)), reading


def test_asterisks_records_are_read_without_a_header(tmp_path: Path) -> None:
    times = '"2026-03-02 08:00:00","2026-03-02 08:00:05","2026-03-02 08:01:05",65,60'
    missed = '"2026-03-02 08:10:00","","2026-03-02 08:10:20",20,0'
    text = "\n".join([row(1, "ANSWERED", times), row(2, "NO ANSWER", missed), row(3, "BUSY", missed)])
    calls, reading = read(tmp_path / "Master.csv", text, format="asterisk", zone="Asia/Singapore")
    assert [call.outcome for call in calls] == [
        "answer",
        "unknown",
        "busy",
    ]  # it writes NO ANSWER for refused calls too
    first = calls[0]
    assert (first.caller, first.callee, first.display_name) == ("+6591234567", "+8613800138001", "Tan, Mei")
    assert (first.start, first.lasts, first.talk) == (1772409600.0, 65.0, 60.0)  # 00:00 UTC
    assert (reading.rows, reading.left_out) == (3, 0)


def test_a_file_that_names_its_columns_is_read_by_these_names(tmp_path: Path) -> None:
    when, numbers = "2026-03-02 08:00:00", "+6591234567,+8613800138001"
    heads = ("src,dst,start,disposition,userfield,billsec", "\ufeffaccountcode,src,dst,dcontext,start,disposition,more")
    rows = (f"{numbers},{when},ANSWERED,scam,60", f"a,{numbers},b,{when},ANSWERED,")
    for head, one in zip(heads, rows, strict=True):
        text = f"{head}\n{one}\n{head}\n{one}\n"  # two exports, one behind the other
        calls, reading = read(tmp_path / "m.csv", text, format="asterisk", map={"truth": "userfield"})
        assert [(call.caller, call.callee, call.outcome) for call in calls] == [
            ("+6591234567", "+8613800138001", "answer")
        ] * 2
        assert calls[0].truth == ("scam" if "userfield" in head else "")
        assert (reading.rows, reading.left_out) == (2, 0)
    with pytest.raises(FileErrors, match="a column src for caller"):
        read(tmp_path / "m.csv", "dst,start,end,clid\n", format="asterisk")
    assert read(tmp_path / "m.csv", "", format="asterisk")[0] == []


def test_two_rows_of_one_uniqueid_are_one_call_that_was_answered_if_any_says_so(tmp_path: Path) -> None:
    missed = row(1, "NO ANSWER", '"2026-03-02 08:00:00","","2026-03-02 08:00:20",20,0') + ',"17724.1",""'
    taken = row(1, "ANSWERED", '"2026-03-02 08:00:20","2026-03-02 08:00:22","2026-03-02 08:00:52",32,30')
    [call], _ = read(tmp_path / "m.csv", f'{missed}\n{taken},"17724.1",""\n', format="asterisk")
    assert (call.id, call.outcome, call.talk, call.line) == ("17724.1", "answer", 30.0, 1)


def test_freeswitchs_two_legs_are_one_call(tmp_path: Path) -> None:
    leg = '"Tan","+6591234567","{dst}","public","2026-03-02 08:00:00","2026-03-02 08:00:04","2026-03-02 08:01:00","60",'
    leg += '"56","NORMAL_CLEARING","{uuid}","{other}","","PCMA","PCMA"'
    a, b = leg.format(dst="+8613800138001", uuid="a", other="b"), leg.format(dst="alice", uuid="b", other="")
    for text in (f"{a}\n{b}\n", f"{b}\n{a}\n"):
        [call], _ = read(tmp_path / "cdr.csv", text, format="freeswitch")
        assert (call.id, call.callee, call.outcome, call.talk) == ("a", "+8613800138001", "answer", 56.0)


def test_kamailios_bye_tells_how_long_the_talk_was_and_its_status_what_became_of_the_call(tmp_path: Path) -> None:
    text = """id,method,from_tag,to_tag,callid,sip_code,sip_reason,time,src_user,dst_user
1,INVITE,a,b,c1,200,OK,2026-03-02 08:00:00,+6591234567,+8613800138001
2,INVITE,a,b,c2,603,Decline,2026-03-02 08:00:01,+6591234567,+8613800138002
3,BYE,a,b,c1,200,OK,2026-03-02 08:00:42,+6591234567,+8613800138001
4,BYE,a,b,c0,200,OK,2026-03-02 08:00:43,+6591234567,+8613800138001
5,OPTIONS,a,b,c9,200,OK,2026-03-02 08:00:43,+6591234567,+8613800138001
"""
    calls, reading = read(tmp_path / "acc.csv", text, format="kamailio")
    assert [(call.id, call.outcome, call.talk) for call in calls] == [("c1", "answer", 42.0), ("c2", "reject", None)]
    assert reading.others == 2


def test_opensips_uris_are_read_as_their_numbers(tmp_path: Path) -> None:
    text = """method,callid,sip_code,time,duration,created,caller,callee
INVITE,c1,200,2026-03-02 08:00:05,30,1772409600,sip:+6591234567@sg.example,sip:+8613800138001@home.example;user=phone
"""
    [call], _ = read(tmp_path / "acc.csv", text, format="opensips")
    assert (call.caller, call.callee, call.talk) == ("+6591234567", "+8613800138001", 30.0)


def test_columns_of_ones_own_with_truth_trunk_and_family(tmp_path: Path) -> None:
    text = """when;x,a,b,fraud,carrier,kind
2026-03-02T08:00:00+08:00,0044207946,+8613800138001,1,intl-3,bank
"""
    mapped = {"start": "when;x", "caller": "a", "callee": "b", "truth": "fraud", "trunk": "carrier", "family": "kind"}
    given = records(
        tmp_path / "own.csv", text, map=mapped, truth={"1": "scam", "0": "legit"}, trunk={"intl": "international"}
    )
    [call] = read_records(given)
    assert (call.caller, call.truth, call.trunk, call.family) == ("0044207946", "1", "intl-3", "bank")


def test_numbers_are_text_whatever_they_look_like(tmp_path: Path) -> None:
    text = "t,a,b\n1772409600,+65912345678,0012\n1772409601,65912345678,1e5\n"
    calls, _ = read(tmp_path / "n.csv", text, map={"start": "t", "caller": "a", "callee": "b"})
    assert [(call.caller, call.callee) for call in calls] == [("+65912345678", "0012"), ("65912345678", "1e5")]


def test_rows_that_cannot_be_read_are_counted_and_told_with_line_and_column(tmp_path: Path) -> None:
    text = 't,"the, caller",b,d\nyesterday,1,2,3\n1772409600,"1,5",2,long\n\n1772409600,1,,3\n1,2\n1772409600,1,2,3\n'
    text += "1772409600,1,2,3,\n1772409600,1,5,2,3\n"  # a comma at the end, and one that has no quotes
    mapped = {"start": "t", "caller": "the, caller", "callee": "b", "lasts": "d"}
    path = tmp_path / "bad.csv"
    calls, reading = read(path, text, map=mapped)
    assert len(calls) == 2
    assert (reading.rows, reading.left_out) == (7, 5)
    assert [line.removeprefix(f"{path}") for line in told(path, reading, 2)] == [
        ": 7 rows, 2 calls; 5 rows left out",
        ':2:1: found "yesterday", expected a time such as "2026-03-02 08:00:00"',
        ':3:20: found "long", expected seconds',
        ':5:14: found "", expected a number that was called',
        ":6:1: found 2 columns, expected 4, as in bad.csv",
        ":9:1: found 5 columns, expected 4, as in bad.csv",
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "it is empty: a line with the names of columns is expected"),
        ("a,b\n1,2\n", ":1:1: found columns a, b, expected a column time for start"),
    ],
)
def test_what_is_no_file_of_such_records_is_said(tmp_path: Path, text: str, error: str) -> None:
    mapped = {"start": "time", "caller": "a", "callee": "b"}
    with pytest.raises(FileErrors) as wrong:
        read(tmp_path / "x.csv", text, map=mapped)
    assert error in str(wrong.value)


def test_parquet_is_read_as_csv_is_and_refused_where_numbers_are_no_text(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = {"t": ["2026-03-02T08:00:00+00:00"], "a": ["+6591234567"], "b": ["+8613800138001"], "d": [3.5]}
    path = tmp_path / "calls.parquet"
    parquet.write_table(pyarrow.table(table), path)
    mapped = {"start": "t", "caller": "a", "callee": "b", "lasts": "d"}
    context = FileContext(path=path, document={})
    given = Records.model_validate({"file": path.name, "map": mapped}, context=context)
    [call] = read_records(given)
    assert (call.caller, call.start, call.lasts) == ("+6591234567", 1772438400.0, 3.5)
    parquet.write_table(pyarrow.table(table | {"a": [6591234567]}), path)
    with pytest.raises(FileErrors, match="a kept as numbers, without the plus and zeros in front"):
        list(read_records(given))


def test_parquet_whose_rows_are_damaged_is_told_by_the_file_and_row(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = {"t": ["2026-03-02T08:00:00+00:00"] * 3, "a": ["+6591234567"] * 3, "b": ["+8613800138001"] * 3}
    path = tmp_path / "calls.parquet"
    parquet.write_table(pyarrow.table(table), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(each ^ 0xFF for each in whole[4:60]) + whole[60:])
    mapped = {"start": "t", "caller": "a", "callee": "b"}
    given = Records.model_validate({"file": path.name, "map": mapped}, context=FileContext(path=path, document={}))
    with pytest.raises(FileErrors, match=r"calls\.parquet: from row 1 on it cannot be read: .+") as told:
        list(read_records(given))
    assert "\n" not in str(told.value)


SCENARIO = """\
scenario: again
home: CN
records:
  file: acc.csv
  format: kamailio
  pace: 10
  map: {truth: label}
  truth: {fraud: scam, ok: legit}
"""


def test_a_scenario_plays_records_again_at_their_pace_with_a_line_for_all_they_call(tmp_path: Path) -> None:
    (tmp_path / "acc.csv").write_text(
        """method,callid,sip_code,time,src_user,dst_user,label
INVITE,c1,200,2026-03-02 08:00:00,+6591234567,13800138001,ok
INVITE,c2,603,2026-03-02 08:00:20,+23224141026,+8613800138002,fraud
INVITE,c3,486,2026-03-02 08:00:30,+23224141026,+442079460123,
BYE,c1,200,2026-03-02 08:00:42,+6591234567,13800138001,ok
"""
    )
    (tmp_path / "again.yaml").write_text(SCENARIO)
    [job] = jobs(load_scenarios([tmp_path / "again.yaml"]))
    assert [(call.start, call.callee, call.truth, call.behaviour) for call in job.calls] == [
        (0.0, "+8613800138001", "legit", "answer"),
        (2.0, "+8613800138002", "scam", "reject"),
        (3.0, "+442079460123", "unknown", "busy"),
    ]
    assert job.calls[0].talk == 4.2
    assert [each.number for each in job.scenario.subscribers.values()] == ["+8613800138001", "+8613800138002"]


def test_a_job_reads_its_records_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "when,a,b\n2026-03-02 08:00:00,+6591234567,+8613800138001\n"
    (tmp_path / "past.csv").write_text(text, encoding="utf-8")
    mapped = "map: {start: when, caller: a, callee: b}"
    (tmp_path / "past.yaml").write_text(f"scenario: past\nhome: CN\nrecords: {{file: past.csv, {mapped}}}\n")
    scenarios = load_scenarios([tmp_path / "past.yaml"])
    opened: list[Path] = []
    read = record_rows.csv_rows

    def rows(path: Path, *more: Any) -> Any:
        opened.append(path)
        return read(path, *more)

    monkeypatch.setattr(call_records, "csv_rows", rows)
    (job,) = jobs(scenarios)
    assert [each.number for each in job.scenario.subscribers.values()] == ["+8613800138001"]
    assert len(opened) == 1


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("0001-01-01T00:00:00+14:00,+65912345678,0012,1,x", ':2:1: found "0001-01-01T00:00:00+14:00", expected a time'),
        ("9999-12-31T23:59:59-12:00,+65912345678,0012,1,x", ':2:1: found "9999-12-31T23:59:59-12:00", expected a time'),
        ("99999999999999999999,+65912345678,0012,1,x", ':2:1: found "99999999999999999999", expected a time'),
        ("1772409600,+65912345678,0012,nan,x", ':2:30: found "nan", expected seconds'),
        ("1772409600,+65912345678,0012,-5,x", ':2:30: found "-5", expected seconds'),
        ("1772409600,+65912345678,0012,1e400,x", ':2:30: found "1e400", expected seconds'),
        ('1772409600,"+659\nEvil: 1",0012,1,x', ':2:12: found "+659␊Evil: 1", expected a number, or the user'),
        ('1772409600,+65912345678,"0012>;,\x1b",1,x', ':2:25: found "0012>;,␛", expected a number, or the user'),
    ],
)
def test_what_no_call_can_be_made_of_is_left_out(tmp_path: Path, cells: str, said: str) -> None:
    mapped = {"start": "t", "caller": "a", "callee": "b", "lasts": "d", "display_name": "n"}
    calls, reading = read(tmp_path / "odd.csv", f"t,a,b,d,n\n{cells}\n1772409600,,0012,1,x\n", map=mapped)
    assert len(calls) == 1
    [error] = reading.errors
    assert str(error).startswith(f"{tmp_path / 'odd.csv'}{said}")


def test_a_display_name_stays_in_its_line(tmp_path: Path) -> None:
    text = 't,a,b,n\n1772409600,1,2,"Tan\r\nEvil: \x1b1"\n'
    [call], _ = read(tmp_path / "n.csv", text, map={"start": "t", "caller": "a", "callee": "b", "display_name": "n"})
    assert call.display_name == "Tan  Evil:  1"
