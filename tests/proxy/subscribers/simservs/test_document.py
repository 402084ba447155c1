"""A profile as a simservs document."""

from __future__ import annotations

from proxy.subscribers.simservs.document import document
from proxy.subscribers.simservs.names import CP, SS
from tests.plays.simservs_documents import ALICE


def test_a_profile_is_written_in_the_words_of_the_standard() -> None:
    written = document(ALICE)
    for expected in (
        f'<simservs xmlns="{SS}" xmlns:cp="{CP}"',
        '<incoming-communication-barring active="true">',
        '<cp:identity><cp:one id="tel:+6591234567"/></cp:identity>',
        "<rf:numbers><rf:number>+1900*</rf:number></rf:numbers>",
        "<cp:conditions><rf:from-abroad/></cp:conditions>",
        "<cp:conditions><rule-deactivated/><anonymous/></cp:conditions>",
        "<cp:conditions><rule-deactivated/><international/></cp:conditions>",
        "<cp:conditions><rule-deactivated/><roaming/></cp:conditions>",
        "<cp:conditions><rule-deactivated/></cp:conditions>",
        '<rf:refused-call-notice active="true"/>',
    ):
        assert expected in written
    for secret in ("s3cret", "2580", "alice", ALICE.number):
        assert secret not in written
