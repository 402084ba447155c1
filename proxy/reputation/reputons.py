"""The answers of remote sources: reputons in JSON (RFC 7071), as far as the proxy needs them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from proxy.policy.remote import Opinion, Reputon

LONGEST = 65_536  # bytes of an answer
_NOT_DIGITS = re.compile(r"\D+")
_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class WrittenReputon(BaseModel):
    """One assertion about the number that was asked about.

    `rating` says how far `assertion` holds, `confidence` how sure the source is of that, both 0 to 1; `rated` is the
    number in E.164; until `expires`, in seconds since 1970, the source stands by it. Other keys are passed over.
    """

    model_config = ConfigDict(extra="ignore", strict=True, title="Reputon")

    assertion: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
    rated: Annotated[str, Field(max_length=64)]
    rating: _Share
    confidence: _Share | None = None
    expires: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class Answer(BaseModel):
    """The answer to a question about one number (RFC 7071). No reputons: the source knows nothing of it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    reputons: tuple[WrittenReputon, ...]


def read(body: bytes, number: str) -> Opinion:
    """The opinion that an answer about a number gives. Raises ValueError, in words that name no number."""
    try:
        answer = Answer.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{where}: {first['msg']}" if where else first["msg"]) from None
    if any(_NOT_DIGITS.sub("", one.rated) != number[1:] for one in answer.reputons):
        raise ValueError("an answer about another number")
    return Opinion(
        tuple(Reputon(one.assertion, one.rating, one.confidence) for one in answer.reputons),
        expires=min((one.expires for one in answer.reputons if one.expires is not None), default=None),
    )


def schema() -> dict[str, Any]:
    """The JSON schema of an answer."""
    return Answer.model_json_schema()
