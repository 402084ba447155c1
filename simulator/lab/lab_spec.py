"""The parts of a scenario that a lab is built from, and the files that its proxy reads: config and subscribers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path
from typing import Any

from proxy.numbers.numbering import Written
from proxy.policy.answers import Card
from proxy.policy.profile import Subscriber
from proxy.policy.ruleset import ScamListRules
from proxy.policy.treatments import Treatments, written
from simulator.addresses import Address
from simulator.scenario.model import Scenario
from simulator.scenario.reputation import LabSource
from simulator.yaml_text import as_yaml

LOCALHOST = "127.0.0.1"
CARD_KEY = "card-key.pem"
_THIS_MACHINE = "127.0.0.0/8"
VERDICTS = "proxy-verdicts.jsonl"
MESSAGE_LOG = "proxy-messages.jsonl"
_NO_SOURCES: Mapping[str, str] = {}
_LABS_OWN = {"rates", "delay", "behaves"}  # keys of a remote source that are no proxy's


@dataclass(frozen=True, slots=True)
class LabSpec:
    """The parts of a scenario that a lab is built from.

    `trunks` maps names to kinds, `subscribers` are by name; phones on `digest_trunks` must prove who they are.
    `numbers` says how trunks write them, where not either way; `reputation` are remote sources, by name.
    """

    home: str
    preset: str
    rules: Mapping[str, str]
    trunks: Mapping[str, str]
    subscribers: Mapping[str, Subscriber]
    scam_lists: tuple[Path, ...]
    digest_trunks: frozenset[str] = frozenset()
    treatments: Treatments = field(default_factory=dict)
    card: Card | None = None
    numbers: Mapping[str, Written] = field(default_factory=dict)
    reputation: Mapping[str, LabSource] = field(default_factory=dict)
    scam_list: ScamListRules | None = None

    @classmethod
    def of(cls, scenario: Scenario) -> LabSpec:
        """Take them from a scenario. Whose phone is asked for a password and has none, as those of a mix, gets one."""
        subscribers: Mapping[str, Subscriber] = scenario.subscribers
        if scenario.digest_trunks:
            subscribers = {
                name: each if each.password else each.but(password=f"made-for-{name}")
                for name, each in subscribers.items()
            }
        return cls(
            scenario.home,
            scenario.preset,
            scenario.rules,
            scenario.trunks,
            subscribers,
            scenario.scam_lists,
            scenario.digest_trunks,
            scenario.treatments,
            scenario.card,
            scenario.written,
            scenario.reputation,
            scenario.scam_list,
        )


def digest_user(name: str, subscriber: Subscriber) -> str:
    """The digest user of a subscriber: their own, or the name that the scenario gives them."""
    return subscriber.user or name


def write_files(
    spec: LabSpec,
    folder: Path,
    listen: Address,
    switch: Address,
    trunks: Mapping[str, Address],
    heard_elsewhere: Collection[Address] | None = None,
    sources: Mapping[str, str] = _NO_SOURCES,
    *,
    verdicts: bool = False,
    softphones: bool = False,
) -> Path:
    """Write the config of a proxy at `listen` before the softswitch at `switch`, and its subscribers.

    `trunks` are the addresses that calls come from. The proxy records the messages of all peers but those that are
    `heard_elsewhere`; without these of nobody. `sources` are the addresses of the remote sources, by name. With
    `verdicts` it writes each one down when it is taken; with `softphones` others on this machine may be phones, too, by
    UDP or TCP. Returns the config.
    """
    config = _config(spec, folder, listen, switch, trunks)
    if softphones:
        config["listen"].append(f"tcp:{listen[0]}:{listen[1]}")
        access = next(name for name, kind in spec.trunks.items() if kind == "access")
        config["trunks"][access]["match"].append(_THIS_MACHINE)  # which comes last: trunks have addresses of their own
    if verdicts:
        config["verdict_log"] = VERDICTS
    if sources:
        config["reputation"] = {
            name: {"url": url} | spec.reputation[name].model_dump(exclude=_LABS_OWN, exclude_unset=True)
            for name, url in sources.items()
        }
    if heard_elsewhere is not None:
        without = [f"udp:{address[0]}:{address[1]}" for address in sorted(heard_elsewhere)]
        config["message_log"] = {"file": MESSAGE_LOG, "without": without}
    for name, content in (
        ("subscribers.yaml", {"subscribers": list(_listed(spec))}),
        ("proxy.yaml", config),
    ):
        (folder / name).write_text(as_yaml(content), encoding="utf-8")
    return folder / "proxy.yaml"


def _config(
    spec: LabSpec, folder: Path, listen: Address, switch: Address, trunks: Mapping[str, Address]
) -> dict[str, Any]:
    # Access comes last: where all trunks share one address, it is what remains.
    by_access_last = sorted(spec.trunks.items(), key=lambda item: item[1] == "access")
    config: dict[str, Any] = {
        "listen": [f"udp:{listen[0]}:{listen[1]}"],
        "softswitch": f"udp:{switch[0]}:{switch[1]}",
        "home": spec.home,
        "preset": spec.preset,
        "trunks": {
            name: {
                "match": [_match(trunks[name], kind)],
                "kind": kind,
                "trust_identity": kind != "access",
                "auth": "digest" if name in spec.digest_trunks else "none",
                "numbers": spec.numbers.get(name, "either"),
            }
            for name, kind in by_access_last
        },
        "subscribers": "subscribers.yaml",
        "scam_lists": [_beside(path.resolve(), folder.resolve()) for path in spec.scam_lists],
        "rules": dict(spec.rules),
        "treatments": written(spec.treatments),
        "call_log": "proxy-calls.jsonl",
        "limits": {"drain_seconds": 2},
        # A lab on a machine that is short of time is late, which its run says; its softswitch is not gone for that.
        "softswitch_probe": {"timeout_seconds": 15},
    }
    if (counting := spec.scam_list) is not None:
        categories = sorted(counting.categories)
        config["scam_list"] = {"min_confidence": counting.min_confidence, "categories": categories}
    if spec.card is not None:
        config["card"] = spec.card.model_dump(exclude_none=True) | {"private_key": CARD_KEY}
    return config


def _beside(path: Path, folder: Path) -> str:
    """A path as a config in the folder names the file: relative to it, if it is below."""
    return escape(str(path.relative_to(folder) if path.is_relative_to(folder) else path))


def _match(trunk: Address, kind: str) -> str:
    host, port = trunk
    return host if host != LOCALHOST or kind == "access" else f"{host}:{port}"


def _listed(spec: LabSpec) -> Iterator[dict[str, Any]]:
    for name, each in spec.subscribers.items():
        said = each.as_dict() | {"barring": each.barring.as_dict(), "treatment": written(each.treatment)}
        yield {
            **{key: value for key, value in said.items() if value not in (None, "", (), {})},
            "user": digest_user(name, each),
            "allow": list(each.allow),
            "block": list(each.block),
        }
