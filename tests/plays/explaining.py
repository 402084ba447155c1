"""A desk with all files that `ringfence explain` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.explain import main

CONFIG = """\
listen: [udp:127.0.0.1:5060]
softswitch: udp:127.0.0.1:5080
home: CN
preset: cn
trunks:
  international: {match: [127.0.1.0/24], kind: international, trust_identity: true}
  phones: {match: [127.0.0.0/24], kind: access}
  desks: {match: [127.0.4.0/24], kind: access, auth: digest}
subscribers: subscribers.yaml
scam_lists: [list.csv]
"""


SUBSCRIBERS = """\
subscribers:
  - {number: "+8613800138001", barring: {incoming_international: on}, allow: ["+6591234567"]}
  - {number: "+8613800138002", user: bob, password: b0b, barring: {outgoing_international: on}}
"""


LIST = """\
number,category,confidence,source,expires
+23224*,wangiri,0.9,reports,2026-06-30
"""


INVITE = """\
INVITE sip:{callee}@127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 127.0.1.1:5060;branch=z9hG4bK1
Max-Forwards: 70
From: <sip:{caller}@127.0.1.1>;tag=1
To: <sip:{callee}@127.0.0.1>
Call-ID: 1@127.0.1.1
CSeq: 1 INVITE
Content-Length: 0

"""


ORDER = """\
MESSAGE sip:10086@127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.5:5060;branch=z9hG4bK1
Max-Forwards: 70
From: <sip:{caller}@127.0.0.1>;tag=1
To: <sip:10086@127.0.0.1>
Call-ID: 1@127.0.0.5
CSeq: 1 MESSAGE
Content-Type: text/plain

QXGJLH"""


class Desk:
    """A folder with a config, and the command run in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        for name, text in (("proxy.yaml", CONFIG), ("subscribers.yaml", SUBSCRIBERS), ("list.csv", LIST)):
            (folder / name).write_text(text)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        status = main(["--config", str(self.folder / "proxy.yaml"), *arguments])
        printed = self._capsys.readouterr()
        return status, printed.out, printed.err

    def explain(self, caller: str, callee: str, *arguments: str, trunk: str = "international") -> Any:
        path = self.folder / "invite.sip"
        path.write_text(INVITE.format(caller=caller, callee=callee))
        status, out, err = self.run("--trunk", trunk, *arguments, str(path))
        assert (status, err) == (0, "")
        return json.loads(out)


def explained_text(desk: Desk, text: str, *arguments: str, trunk: str = "international") -> Any:
    (desk.folder / "one.sip").write_text(text)
    status, out, err = desk.run("--trunk", trunk, *arguments, str(desk.folder / "one.sip"))
    assert (status, err) == (0, "")
    return json.loads(out)
