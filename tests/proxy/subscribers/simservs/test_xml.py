"""XML documents that are broken, or meant to do harm."""

from __future__ import annotations

import pytest

from tests.plays.simservs_documents import refused

LAUGHS = """<?xml version="1.0"?>
<!DOCTYPE simservs [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<simservs>&c;</simservs>"""


MORE_LAUGHS = (
    b'<!DOCTYPE s [<!ENTITY e0 "haha">'
    + b"".join(b'<!ENTITY e%d "%s">' % (level, b"&e%d;" % (level - 1) * 10) for level in range(1, 30))
    + b"]>%s"
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (LAUGHS.encode(), "2:20: found a DOCTYPE"),
        (LAUGHS.encode("utf-16"), "2:20: found a DOCTYPE"),
        (b'<!DOCTYPE s SYSTEM "file:///etc/passwd"><s/>', "1:40: found a DOCTYPE"),
        (b'<!DOCTYPE s [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]><s/>', "1:13: found a DOCTYPE"),
        (b'<!DOCTYPE s [<!ENTITY a SYSTEM "http://127.0.0.1:9/">]><s>&a;</s>', "1:13: found a DOCTYPE"),
        (MORE_LAUGHS % b"<s>&e29;</s>", "1:13: found a DOCTYPE"),
        (MORE_LAUGHS % b'<s a="&e29;"/>', "1:13: found a DOCTYPE"),
        (
            b'<!DOCTYPE s [<!ENTITY a "' + b"x" * 12_000 + b'">]><s>' + b"&a;<b/>" * 100_000 + b"</s>",
            "1:13: found a DOCTYPE",
        ),
        (b'<s xmlns="' + b"u" * 300_000 + b'">' + b"<b/>" * 180_000 + b"</s>", "1:2: found 16384 bytes without <"),
        (b'<s xmlns="' + b"u" * 16_000 + b'">' + b"<b/>" * 180_000 + b"</s>", "1:1: found a namespace of 16000 char"),
        (b"<s>\n<!--" + b"x" * 1_000_000 + b"--></s>", "2:2: found 16384 bytes without <"),
        (b"<simservs>&other;</simservs>", "1:11: found undefined entity"),
        (b"<simservs><open></simservs>", "1:19: found mismatched tag"),
        (b"", "1:1: found no element found"),
        (b"\xff\xfe\x00", "1:"),
        (b'<?xml version="1.0" encoding="klingon"?><simservs/>', "1:"),
        (b"<x>" * 100, "1:97: found <x>, expected at most 32 levels"),
        (b" " * (1 << 20) + b"<x/>", "1:1: found 1048580 bytes"),
        (b"<simservs/>", "1:1: found <simservs> of no namespace"),
    ],
)
def test_hostile_and_broken_documents_are_refused(text: bytes, found: str) -> None:
    assert refused(text)[0].startswith(f"alice.xml:{found}")
