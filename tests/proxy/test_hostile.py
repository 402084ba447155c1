"""Ways round the policy that a caller can write into a request; each was open once."""

from __future__ import annotations

import pytest
from dialogue import BARRED, DAUGHTER, play, request


@pytest.mark.parametrize(
    "uri",
    [
        f"sip:{BARRED}:phone-context@127.0.0.1",
        f"sip:{BARRED}@anonymous.invalid",
        f"sip:{BARRED[1:]}@ANONYMOUS.invalid",
        f"sip:{BARRED}%3Bphone-context@127.0.0.1",
        f"sip:{BARRED}%00@127.0.0.1",
    ],
)
def test_a_callee_is_known_however_the_switch_may_read_the_request_uri(uri):
    dialogue = play().receive(request("INVITE", uri=uri)).sends(603).sends_nothing()
    assert dialogue.records()[0]["caller"] == DAUGHTER
