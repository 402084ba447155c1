"""One exception tree for everything that can be wrong with a message; each error carries the status to answer."""

from __future__ import annotations

from typing import ClassVar

REASONS: dict[int, str] = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    423: "Interval Too Brief",
    428: "Use Identity Header",
    433: "Anonymity Disallowed",
    436: "Bad Identity Info",
    437: "Unsupported Credential",
    438: "Invalid Identity Header",
    440: "Max-Breadth Exceeded",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
    607: "Unwanted",
    608: "Rejected",
}


def reason_for(status: int) -> str:
    """The standard reason phrase of a status code, or that of its class."""
    return REASONS.get(status) or REASONS.get(status // 100 * 100, "Unknown")


class SipError(Exception):
    """A fault of a message, and the answer that it calls for.

    `headers` are further header fields that the answer must carry. An error that is `stateless` is answered without a
    transaction.
    """

    status: ClassVar[int] = 400
    stateless: ClassVar[bool] = False

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = self.status if status is None else status
        self.headers = headers

    @property
    def reason(self) -> str:
        """Reason phrase for the answer: the standard one, with the detail where 400 alone would say nothing."""
        return f"Bad Request - {self.detail}" if self.code == 400 else reason_for(self.code)


class BadRequest(SipError):
    """Syntax that the grammar of RFC 3261 section 25 does not allow."""


class Unanswerable(SipError):
    """Not SIP, or so broken that nobody can be answered: dropped without a word."""


class KeepAlive(Unanswerable):
    """Line breaks and zero bytes, and no message: they hold a binding of a NAT open (RFC 5626 4.4.1)."""


class MessageTooLarge(SipError):
    """More bytes than this element takes (RFC 3261 21.5.7)."""

    status = 513


class BadUri(BadRequest):
    """A URI that does not parse."""


class UnsupportedUriScheme(SipError):
    """RFC 3261 16.3 step 2."""

    status = 416


class VersionNotSupported(SipError):
    """RFC 3261 21.5.6."""

    status = 505


class TooManyHops(SipError):
    """RFC 3261 16.3 step 3."""

    status = 483


class LoopDetected(SipError):
    """RFC 3261 16.3 step 4, RFC 5393; also the merged requests of 8.2.2.2."""

    status = 482


class BadExtension(SipError):
    """RFC 3261 16.3 step 5."""

    status = 420


TRY_AGAIN = (("Retry-After", "5"),)  # seconds


class ServiceUnavailable(SipError):
    """RFC 3261 21.5.4; whoever gets it may try again."""

    status = 503

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers=TRY_AGAIN)


class Forbidden(SipError):
    """The source or the route asked for is not one this proxy serves."""

    status = 403
