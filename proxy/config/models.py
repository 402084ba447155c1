"""The proxy's config file: YAML -> frozen models.

Paths are relative to the config file. Loading it checks that the files it names exist; reading those is a step of
its own (`read_directory`, `ScamList.load`), so that a reload can repeat it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from proxy.config.addresses import (
    ANY_HOST,
    AddressText,
    AliasText,
    MatchText,
    MetricsAddress,
    TransportAddress,
    UdpAddress,
)
from proxy.config.environment import filled_in
from proxy.config.fields import ExistingFile, Home, PresetName, RuleModes, ScamLists, Subscribers, some
from proxy.config.reputation import Reputation
from proxy.core.probing import Probing
from proxy.files.yaml_file import FileContext, Problem, Problems, load
from proxy.numbers.dialled import OUTSIDE_LINES
from proxy.numbers.numbering import Numbering, Written
from proxy.policy.answers import Card
from proxy.policy.profile_fields import OnOff
from proxy.policy.ruleset import ScamListRules
from proxy.policy.treatments import Treatments
from proxy.policy.trunks import Trunk, TrunkTable
from proxy.presets import preset
from proxy.self_service.vocabulary import Codes, Keywords, ServiceNumber

_SOURCE = r"^[A-Za-z0-9._-]{1,40}$"  # the name of one


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrunkConfig(_Model):
    """One trunk: the sources it is known by and what may be believed of it.

    With `refer: in_dialog` a trunk that is no access trunk may transfer calls that it takes part in. `numbers` says how
    it writes numbers without a plus: `international` with the country code, `national` as dialled at home; `either`:
    what fits, and where both do, home, but a number abroad on an international trunk.
    """

    match: Annotated[tuple[MatchText, ...], AfterValidator(some)]
    kind: Literal["international", "domestic", "access"]
    trust_identity: OnOff = False
    auth: Literal["none", "digest"] = "none"
    refer: Literal["none", "in_dialog"] = "none"
    numbers: Written = "either"


class Tls(_Model):
    """The PEM files of TLS listeners."""

    certificate: ExistingFile
    private_key: ExistingFile


class CardKey(Card):
    """The key of the card that comes with 608 (RFC 8688): a P-256 key as PEM. The card is written to `file`."""

    private_key: ExistingFile
    file: Annotated[Path, Field(validate_default=True)] = Path("card.jws")

    @field_validator("file")
    @classmethod
    def _beside_the_config(cls, path: Path, info: ValidationInfo) -> Path:
        return FileContext.of(info).beside(path)


class Authentication(_Model):
    """Of trunks with `auth: digest`: the realm, a domain name, and how long an answered challenge may be used.

    After `wrong_answers` for a user from an address within `lockout_seconds`, that user gets 403 there for as long.
    `algorithms` are offered in their order (RFC 8760: the strongest first); some old clients read the first only.
    `counts_file` is where the proxies of one machine count uses of challenges and wrong answers together; `none`: each
    in its memory. By default, it is beside `secret_file` where that is given, with `.counts` after its name.
    """

    realm: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$")] = "ringfence.example"
    nonce_seconds: Annotated[float, Field(ge=1)] = 60.0
    wrong_answers: Annotated[int, Field(ge=1)] = 5
    lockout_seconds: Annotated[float, Field(ge=1)] = 60.0
    algorithms: Annotated[tuple[Literal["SHA-256", "MD5"], ...], AfterValidator(some)] = ("SHA-256", "MD5")
    counts_file: Literal["none"] | Path | None = None

    @field_validator("counts_file")
    @classmethod
    def _beside_the_config(cls, path: Path | str | None, info: ValidationInfo) -> Path | str | None:
        return FileContext.of(info).beside(path) if isinstance(path, Path) else path


class SelfServiceConfig(_Model):
    """The changes that subscribers may make themselves, by text and star code: over the preset's.

    `numbers` are texted to, instead of the preset's; `keywords` and `codes` are added to its. Three wrong PINs lock
    star codes for `lock_hours`, 0: until `ringfence subscribers unlock`. A subscriber with `notify` is told of
    `notices_per_hour` refused callers.
    """

    enabled: OnOff = True
    numbers: tuple[ServiceNumber, ...] = ()
    keywords: Keywords = {}
    codes: Codes = {}
    lock_hours: Annotated[float, Field(ge=0)] = 24.0
    notices_per_hour: Annotated[int, Field(ge=0)] = 6


class DiallingConfig(_Model):
    """Codes that a switch may cut off in front of a dialled number, beside those known of the home country.

    `outside_lines` are the digits that take a line outside of a private exchange ([] for none), `codes` any others,
    such as `*88` or `1808`; x in one stands for any digit. A number behind them is judged as well.
    """

    outside_lines: tuple[Annotated[str, Field(pattern=r"^[0-9]{1,3}$")], ...] = OUTSIDE_LINES
    codes: tuple[Annotated[str, Field(pattern=r"^[0-9x*#]{1,8}$")], ...] = ()


class Emergency(_Model):
    """For `callback_minutes` after a subscriber called or texted an emergency number, all calls and texts to them from
    trusted domestic trunks pass: control rooms call back by other lines, too. 0: none for that alone.
    """

    callback_minutes: Annotated[float, Field(ge=0, le=1440)] = 30.0


class SoftswitchProbe(_Model):
    """The times at which the proxy asks the softswitch by OPTIONS whether it is there; any answer will do.

    After `interval_seconds` without a word from it (0: not for that), and where a request goes unanswered for
    `unanswered_seconds` while it says nothing else. It has `timeout_seconds` to answer; while it is down it is asked
    every `retry_seconds`. With `enabled: no` it is taken to be there, whatever happens.
    """

    enabled: OnOff = True
    interval_seconds: Annotated[float, Field(ge=0)] = 10.0
    unanswered_seconds: Annotated[float, Field(ge=0.1)] = 1.0
    timeout_seconds: Annotated[float, Field(ge=0.1)] = 2.0
    retry_seconds: Annotated[float, Field(ge=0.1)] = 2.0

    @property
    def probing(self) -> Probing | None:
        """The settings that the core needs."""
        if not self.enabled:
            return None
        return Probing(self.interval_seconds, self.unanswered_seconds, self.timeout_seconds, self.retry_seconds)


class MessageLogFile(_Model):
    """The file to which every SIP message that comes or goes is appended, as a JSON line.

    Those from and to the addresses in `without` are left out.
    """

    file: Path
    without: tuple[AddressText, ...] = ()

    @field_validator("file")
    @classmethod
    def _beside_the_config(cls, path: Path, info: ValidationInfo) -> Path:
        return FileContext.of(info).beside(path)


class HepCollector(_Model):
    """The address to which copies of all SIP messages and of the call records are sent over HEPv3 (Homer, sngrep).

    `node` and `name` say of packets from whom they are, `key` is what the collector may ask for. Any address will do;
    packets are not encrypted, and hold all that was said over TLS, too.
    """

    address: UdpAddress
    node: Annotated[int, Field(ge=0, le=0xFFFFFFFF)] = 2001
    name: Annotated[str, Field(max_length=100)] = ""
    key: Annotated[str, AfterValidator(filled_in), Field(max_length=100, repr=False)] = ""


class Limits(_Model):
    """Bounds of what is held in memory, and for how long: no traffic makes it grow further."""

    transactions: Annotated[int, Field(ge=1)] = 300_000
    connections: Annotated[int, Field(ge=1)] = 1_000
    message_bytes: Annotated[int, Field(ge=1_300, le=1_048_576)] = 65_535
    timer_c: Annotated[float, Field(gt=180)] = 181.0  # seconds that a phone may ring (RFC 3261 16.6 step 11)
    drain_seconds: Annotated[float, Field(ge=0)] = 10.0  # that calls under way get after SIGTERM


class Safeguards(_Model):
    """Conditions for lists and subscribers to be taken, so that a damaged file does no harm.

    A list, or the subscribers, of which a reload finds less than `least_share` of the entries before, stays as it was,
    and the log says so; 0 takes anything. A row of a scam list must not cover the whole home country or the world, such
    as +86* where home is CN, unless `cover_home` is on.
    """

    least_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    cover_home: OnOff = False


class ProxyConfig(_Model):
    """The whole config; every key but `listen` and `softswitch` has a default.

    `scam_list` says which entries of the lists count, in the place of what the preset says. `reputation` names remote
    sources that are asked about callers. `softswitch_aliases` are further names and addresses
    that the softswitch writes of itself into Record-Route and Service-Route. `log_level: debug` has a line for each
    request that the proxy itself refuses, with the reason. With `softswitch_calls: judge`, what the softswitch sends to
    a phone on its own, such as a forwarded call, is held against the block list and the barring of the phone's owner.
    `verdict_log` gets a JSON line for each verdict when it is taken, before the call has its record in `call_log`.
    `metrics` is where Prometheus finds /metrics, and others /healthz and /readyz: a port of 127.0.0.1, or an address
    and a port.
    """

    listen: Annotated[tuple[AddressText, ...], AfterValidator(some)]
    softswitch: AddressText
    softswitch_aliases: tuple[AliasText, ...] = ()
    home: Home = "CN"
    preset: PresetName = "default"
    domains: tuple[str, ...] = ("*",)
    softswitch_calls: Literal["pass", "judge"] = "pass"
    trunks: dict[str, TrunkConfig] = {}
    subscribers: Subscribers | None = None
    scam_lists: ScamLists = ()
    scam_list: ScamListRules | None = None
    safeguards: Safeguards = Safeguards()
    reputation: dict[Annotated[str, Field(pattern=_SOURCE)], Reputation] = {}
    rules: RuleModes = {}
    treatments: Treatments = {}
    card: CardKey | None = None
    call_log: Path | None = None
    verdict_log: Path | None = None
    message_log: MessageLogFile | None = None
    hep: HepCollector | None = None
    log_level: Literal["debug", "info"] = "info"
    secret_file: Annotated[Path, Field(validate_default=True)] = Path("ringfence.secret")
    tls: Tls | None = None
    authentication: Authentication = Authentication()
    self_service: SelfServiceConfig = SelfServiceConfig()
    dialling: DiallingConfig = DiallingConfig()
    emergency: Emergency = Emergency()
    softswitch_probe: SoftswitchProbe = SoftswitchProbe()
    limits: Limits = Limits()
    metrics: MetricsAddress = None

    @field_validator("listen")
    @classmethod
    def _no_overlap(cls, listen: tuple[TransportAddress, ...]) -> tuple[TransportAddress, ...]:
        problems = [
            Problem((index,), f"an address that does not overlap {first}")
            for index, address in enumerate(listen)
            if (first := next(filter(address.overlaps, listen[:index]), None))
        ]
        problems += [
            Problem((index,), "one address of this machine: it stands in Via and Record-Route for peers to answer to")
            for index, address in enumerate(listen)
            if address.host in ANY_HOST and not any(problem.where == (index,) for problem in problems)
        ]
        if problems:
            raise Problems(problems)
        return listen

    @field_validator("call_log", "verdict_log", "secret_file")
    @classmethod
    def _beside_the_config(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        return path and FileContext.of(info).beside(path)

    @model_validator(mode="after")
    def _is_consistent(self) -> ProxyConfig:
        problems = [
            Problem(("listen", index), "tls: {certificate, private_key} beside it")
            for index, address in enumerate(self.listen)
            if address.transport == "tls" and not self.tls
        ]
        problems += [
            Problem(("trunks", name, "auth"), "none; digest takes kind: access, subscribers and no trust_identity")
            for name, trunk in self.trunks.items()
            if trunk.auth == "digest" and (trunk.kind != "access" or trunk.trust_identity or not self.subscribers)
        ]
        numbering = self.numbering()
        problems += [
            Problem(("self_service", "numbers", index), f"a number that is no emergency number of {self.home}")
            for index, number in enumerate(self.self_service.numbers)
            if numbering.understand(number).is_emergency  # calls to it are never held up for a password
        ]
        if self.metrics is not None:
            problems += [
                Problem(("metrics",), f"an address that does not overlap {address}")
                for address in self.listen
                if address.overlaps(self.metrics)
            ]
        if self.hep is not None:  # else it would tell of what it tells
            problems += [
                Problem(("hep", "address"), f"an address that does not overlap {address}")
                for address in self.listen
                if address.overlaps(self.hep.address)
            ]
        transports = {address.transport: None for address in self.listen}
        if self.softswitch.transport not in transports:
            problems.append(Problem(("softswitch",), f"a transport that is listened on: {', '.join(transports)}"))
        if problems:
            raise Problems(problems)
        return self

    @property
    def counts_file(self) -> Path | None:
        """The file of the counts that digest authentication shares with other processes; None: it shares none."""
        chosen = self.authentication.counts_file
        if chosen == "none" or not any(trunk.auth == "digest" for trunk in self.trunks.values()):
            return None
        if chosen is None and "secret_file" in self.model_fields_set:
            return self.secret_file.with_name(f"{self.secret_file.name}.counts")
        return chosen

    def numbering(self) -> Numbering:
        """The reading of numbers at home."""
        return preset.numbering(self.home, preset.load(self.preset))

    def trunk_table(self) -> TrunkTable:
        """The trunks, in the order of the file."""
        return TrunkTable(
            (
                Trunk(name, trunk.kind, trunk.trust_identity, trunk.auth, trunk.refer, trunk.numbers),
                trunk.match,
            )
            for name, trunk in self.trunks.items()
        )


def load_config(path: Path, known: frozenset[Path] = frozenset()) -> ProxyConfig:
    """Read a config file; raises FileErrors with all that is wrong in it. Of `known` files, those that it named before,
    any may be missing."""
    return load(path, ProxyConfig, known)
