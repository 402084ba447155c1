"""Config files of the proxy: what they may say, and errors with their places."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.addresses import TransportAddress
from proxy.config.models import ProxyConfig, load_config
from proxy.files.yaml_file import FileErrors
from proxy.policy.trunks import Trunk

AS_DESIGNED = """\
listen: [udp:127.0.0.1:5060, tcp:127.0.0.1:5060]
softswitch: udp:127.0.0.1:5080
home: CN                       # the country whose numbers are domestic
preset: cn
domains: ["*"]
trunks:
  international: {match: [127.0.1.0/24], kind: international, trust_identity: true}
  domestic:      {match: [127.0.2.0/24], kind: domestic, trust_identity: true}
  phones:        {match: [127.0.0.0/24], kind: access, auth: none}
subscribers: subscribers.yaml
scam_lists: [lists/*.csv]
rules: {anonymous.reject: shadow}
"""
SHORTEST = "listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "b.csv").touch()
    (tmp_path / "lists" / "a.csv").touch()
    (tmp_path / "subscribers.yaml").touch()
    return tmp_path


def load(folder: Path, text: str) -> ProxyConfig:
    (folder / "proxy.yaml").write_text(text)
    return load_config(folder / "proxy.yaml")


def errors_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(FileErrors) as caught:
        load(folder, text)
    return str(caught.value).replace(f"{folder / 'proxy.yaml'}:", "").splitlines()


def test_the_config_of_the_design_loads_and_its_paths_are_relative_to_it(folder: Path) -> None:
    config = load(folder, AS_DESIGNED)
    assert config.listen == (TransportAddress("udp", "127.0.0.1", 5060), TransportAddress("tcp", "127.0.0.1", 5060))
    assert config.softswitch == TransportAddress("udp", "127.0.0.1", 5080)
    assert (config.home, config.preset, config.domains) == ("CN", "cn", ("*",))
    assert config.subscribers == str(folder / "subscribers.yaml")
    assert config.scam_lists == (folder / "lists" / "a.csv", folder / "lists" / "b.csv")
    assert config.rules == {"anonymous.reject": "shadow"}


def test_its_trunks_tell_sources_apart(folder: Path) -> None:
    trunks = load(folder, AS_DESIGNED).trunk_table()
    sources = {
        ("127.0.1.9", 5060): Trunk("international", "international", trust_identity=True),
        ("127.0.2.9", 5060): Trunk("domestic", "domestic", trust_identity=True),
        ("127.0.0.9", 40000): Trunk("phones", "access"),
    }
    for source, trunk in sources.items():
        found = trunks.find(*source)
        assert found is not None
        assert asdict(found) == asdict(trunk)


def test_a_trunk_says_how_its_numbers_are_written(folder: Path) -> None:
    text = """\
listen: [udp:127.0.0.1:5060]
softswitch: udp:127.0.0.1:5080
trunks:
  abroad: {match: [127.0.1.0/24], kind: international, numbers: international}
  home: {match: [127.0.2.0/24], kind: domestic}
"""
    trunks = load(folder, text).trunk_table()
    assert [trunk.numbers for trunk in trunks.trunks] == ["international", "either"]
    assert errors_of(folder, text.replace("numbers: international", "numbers: e164")) == [
        '4:65: found "e164", expected "international", "national" or "either"'
    ]
    assert trunks.find("192.0.2.1", 5060) is None


def test_only_listen_and_softswitch_must_be_said(folder: Path) -> None:
    config = load(folder, SHORTEST)
    assert (config.preset, config.trunks, config.subscribers, config.scam_lists) == ("default", {}, None, ())
    assert errors_of(folder, "home: CN") == [
        '1:1: found no "listen", expected the required key "listen"',
        '1:1: found no "softswitch", expected the required key "softswitch"',
    ]


def test_every_mistake_is_told_with_its_place(folder: Path) -> None:
    address = 'udp, tcp or tls, an IP address and a port, such as "udp:127.0.0.1:5060" or "tls:[::1]:5061"'
    source = '"192.0.2.7", "192.0.2.0/24", "192.0.2.7:5060" or "[2001:db8::7]:5060"'
    assert errors_of(
        folder,
        """\
listen: [udp:127.0.0.1:5060, tcp:127.0.0.1:5060, udp:0.0.0.0:5060, "tls:127.0.0.1:5060"]
softswitch: 127.0.0.1
home: cn
preset: cnn
trunks:
  abroad: {match: [127.0.0.1/8], kind: foreign}
  none: {match: [], kind: access}
subscribers: subscriber.yaml
scam_lists: [lists/a.csv, list/*.csv]
rules: {anonymous.rejct: on, default.allow: off}
limits: {transactions: 0}
softswich: udp:127.0.0.1:5080
""",
    ) == [
        '1:50: found "udp:0.0.0.0:5060", expected an address that does not overlap udp:127.0.0.1:5060',
        '1:68: found "tls:127.0.0.1:5060", expected an address that does not overlap tcp:127.0.0.1:5060',
        f'2:13: found "127.0.0.1", expected {address}',
        '3:7: found "cn", expected an ISO 3166 region with a numbering plan, such as CN or GB',
        '4:9: found "cnn", expected a preset: "cn"',
        f'6:20: found "127.0.0.1/8", expected an address or a CIDR block without host bits, such as {source}',
        '6:40: found "foreign", expected "international", "domestic" or "access"',
        "7:17: found a list, expected at least one of them",
        (
            '8:14: found "subscriber.yaml", expected a YAML file that exists, named relative to this one, '
            'or "sqlite:///FILE"'
        ),
        '9:27: found "list/*.csv", expected a file that exists, named relative to this one (* stands for any)',
        '10:9: found "anonymous.rejct", expected a rule: "anonymous.reject"',
        '10:26: found "on", expected "enforce", "shadow" or "off"',
        (
            '10:30: found "default.allow", expected a rule: '
            'one of "never_block", "barring.all_outgoing", "subscriber.allow", "subscriber.block", '
            '"spoofed.own_number", "spoofed.home_number", "anonymous.reject", "barring.all_incoming", '
            '"barring.incoming_when_roaming", '
            '"barring.incoming_international", "barring.outgoing_international", "scam_list.exact", '
            '"scam_list.prefix", "reputation.remote"'
        ),
        '11:24: found "0", expected at least 1',
        '12:1: found unknown key "softswich", expected "softswitch"',
    ]


def test_the_softswitch_must_be_reachable_from_a_listener(folder: Path) -> None:
    assert errors_of(folder, "listen: [tcp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\n") == [
        '2:13: found "udp:127.0.0.1:5080", expected a transport that is listened on: tcp'
    ]


def test_tls_needs_a_certificate(folder: Path) -> None:
    text = "listen: ['tls:[::1]:5061', udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\n"
    assert errors_of(folder, text) == [
        '1:10: found "tls:[::1]:5061", expected tls: {certificate, private_key} beside it'
    ]
    assert errors_of(folder, text + "tls: {certificate: cert.pem, private_key: lists/a.csv}\n") == [
        '3:20: found "cert.pem", expected a file that exists, named relative to this one'
    ]
    config = load(folder, text + "tls: {certificate: lists/b.csv, private_key: lists/a.csv}\n")
    assert config.tls is not None
    assert config.tls.certificate == folder / "lists" / "b.csv"


def test_a_collector_of_hep_is_a_udp_address_that_nobody_listens_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEP_KEY", "s3cret")
    config = load(folder, SHORTEST + 'hep: {address: "udp:[::1]:9060", name: edge, key: "${HEP_KEY}"}\n')
    assert config.hep is not None
    assert (str(config.hep.address), config.hep.node, config.hep.key) == ("udp:[::1]:9060", 2001, "s3cret")
    assert "s3cret" not in repr(config)
    assert errors_of(folder, SHORTEST + "hep: {address: tcp:127.0.0.1:9060, node: -1}\n") == [
        '3:16: found "tcp:127.0.0.1:9060", expected udp, an IP address and a port, such as "udp:127.0.0.1:9060"',
        '3:42: found "-1", expected at least 0',
    ]
    assert errors_of(folder, SHORTEST + "hep: {address: udp:127.0.0.1:5060}\n") == [
        '3:16: found "udp:127.0.0.1:5060", expected an address that does not overlap udp:127.0.0.1:5060'
    ]


def test_a_database_and_a_call_log_may_be_made_later_beside_the_config(folder: Path) -> None:
    config = load(folder, SHORTEST + "subscribers: sqlite:///ringfence.db\ncall_log: calls.jsonl\n")
    assert config.subscribers == f"sqlite:///{folder / 'ringfence.db'}"
    assert config.call_log == folder / "calls.jsonl"
    messages = "message_log: {file: messages.jsonl, without: ['tcp:127.0.0.1:5070']}\n"
    logged = load(folder, SHORTEST + messages).message_log
    assert logged is not None
    assert (logged.file, str(logged.without[0])) == (folder / "messages.jsonl", "tcp:127.0.0.1:5070")
    assert load(folder, SHORTEST + "subscribers: sqlite:////var/x.db\n").subscribers == "sqlite:////var/x.db"


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("udp:127.0.0.1:5060", "tcp:127.0.0.1:5060", False),
        ("tcp:127.0.0.1:5060", "tls:127.0.0.1:5060", True),
        ("udp:127.0.0.1:5060", "udp:127.0.0.1:5061", False),
        ("udp:127.0.0.1:5060", "udp:127.0.0.2:5060", False),
        ("udp:127.0.0.1:5060", "udp:0.0.0.0:5060", True),
        ("udp:[::]:5060", "udp:[::1]:5060", True),
        ("udp:[::]:5060", "udp:127.0.0.1:5060", False),
        ("udp:[::1]:5060", "udp:[0:0:0:0:0:0:0:1]:5060", True),
    ],
)
def test_two_addresses_overlap_when_they_want_the_same_socket(one: str, other: str, overlap: bool) -> None:
    assert TransportAddress.parse(one).overlaps(TransportAddress.parse(other)) is overlap


@given(
    transport=st.sampled_from(["udp", "tcp", "tls"]),
    host=st.ip_addresses().map(str),
    port=st.integers(1, 65535),
)
def test_an_address_is_written_as_it_is_read(transport: Literal["udp", "tcp", "tls"], host: str, port: int) -> None:
    address = TransportAddress(transport, host, port)
    assert TransportAddress.parse(str(address)) == address


def test_an_address_may_leave_its_port_to_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'listen: ["udp:127.0.0.1:${SIP_PORT:-5060}"]\nsoftswitch: "udp:${SWITCH}:5080"\n'
    monkeypatch.setenv("SWITCH", "127.0.0.2")
    for value, port in (None, 5060), ("", 5060), ("5070", 5070):
        monkeypatch.delenv("SIP_PORT", raising=False)
        if value is not None:
            monkeypatch.setenv("SIP_PORT", value)
        config = load(folder, text)
        assert config.listen == (TransportAddress("udp", "127.0.0.1", port),)
        assert config.softswitch == TransportAddress("udp", "127.0.0.2", 5080)
    monkeypatch.delenv("SWITCH")
    (error,) = errors_of(folder, text)
    assert "${SWITCH}" in error
    assert "an IP address and a port" in error


def test_nobody_orders_anything_from_an_emergency_number(folder: Path) -> None:
    numbers = 'self_service: {numbers: ["10086", "110", "119"]}\n'
    assert errors_of(folder, SHORTEST + numbers) == [
        '3:35: found "110", expected a number that is no emergency number of CN',
        '3:42: found "119", expected a number that is no emergency number of CN',
    ]
    assert load(folder, SHORTEST + "home: SG\n" + numbers).self_service.numbers == ("10086", "110", "119")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("9464", "tcp:127.0.0.1:9464"),
        ('"192.0.2.1:9464"', "tcp:192.0.2.1:9464"),
        ('"[::1]:9464"', "tcp:[::1]:9464"),
        ("${METRICS_PORT:-9100}", "tcp:127.0.0.1:9100"),
        ("${METRICS_PORT}", "None"),
    ],
)
def test_metrics_are_at_a_port_of_this_machine_or_at_an_address(folder: Path, written: str, address: str) -> None:
    assert str(load(folder, f"metrics: {written}\n{SHORTEST}").metrics) == address


@pytest.mark.parametrize("written", ["soon", "0", "70000", "example.com:9464", "udp:127.0.0.1:9464"])
def test_what_is_no_address_for_metrics_is_pointed_at(folder: Path, written: str) -> None:
    expected = 'a port, or an IP address and a port, such as "9464" or "127.0.0.1:9464"'
    assert errors_of(folder, f"metrics: {written}\n{SHORTEST}") == [f'1:10: found "{written}", expected {expected}']


def test_metrics_have_a_socket_of_their_own(folder: Path) -> None:
    text = "metrics: 5060\nlisten: [tcp:127.0.0.1:5060]\nsoftswitch: tcp:127.0.0.1:5080\n"
    assert errors_of(folder, text) == [
        '1:10: found "5060", expected an address that does not overlap tcp:127.0.0.1:5060'
    ]
