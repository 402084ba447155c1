"""The prompts are what the switches expect, and each is told from all others by those who heard it."""

from __future__ import annotations

import itertools
import wave
from pathlib import Path

import numpy as np
import pytest

from simulator.media.prompts import CALLERS, LANGUAGES, PROMPTS, caller_says, prompt
from simulator.media.recognition import RATE_HZ, Samples, likeness, read_wav, tone, which_prompt, write_wav

NAMES = {
    "barred", "anonymous", "listed", "spoofed", "blocked", "voicemail", "honeypot", "goodbye", "warning", "changed",
    "unchanged", "wrong-pin", "locked", *(f"challenge-{digit}" for digit in range(10)),
}  # fmt: skip


def played(name: str) -> Samples:
    return read_wav(prompt(name))[0]


def over_the_phone(samples: Samples, gain: float = 0.1) -> Samples:
    """The rest that G.711 (mu-law) leaves of it at the other end of a line, turned down."""
    coded = np.round(127 * np.log1p(255 * np.abs(gain * samples)) / np.log(256)) / 127
    return np.asarray(np.sign(samples) * np.expm1(coded * np.log(256)) / 255, dtype=np.float64)


def test_every_prompt_is_there_and_lasts_as_long_as_it_should() -> None:
    assert set(PROMPTS) == NAMES
    for name in PROMPTS:
        with wave.open(str(prompt(name))) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
            seconds = file.getnframes() / 8000
        assert (6.5 if name == "warning" else 1.5) <= seconds <= (7 if name == "warning" else 4), name


def test_every_prompt_was_made_from_the_texts_beside_it() -> None:
    lines = prompt("barred").with_name("prompts.txt").read_text().splitlines()
    assert {line.split()[0] for line in lines if not line.startswith("#")} == NAMES


def test_every_caller_speaks_both_languages_as_written_beside_them_and_goes_on_for_a_while() -> None:
    spoken = {f"{name}-{language}" for name in CALLERS for language in LANGUAGES}
    lines = caller_says("police", "en").with_name("prompts.txt").read_text().splitlines()
    assert {line.split()[0] for line in lines if not line.startswith("#")} == spoken
    assert set(CALLERS) == {"bank", "family", "office", "police", "prize"}
    for name, language in itertools.product(CALLERS, LANGUAGES):
        samples, rate = read_wav(caller_says(name, language))
        assert (rate, 5 < samples.size / rate < 12) == (8000, True), (name, language)


def test_a_caller_that_there_is_not_is_a_lookup_error() -> None:
    with pytest.raises(LookupError, match=r"no caller 'nonsense' who speaks 'en': there are .*police"):
        caller_says("nonsense", "en")
    with pytest.raises(LookupError, match="speaks 'de'"):
        caller_says("police", "de")


def test_a_prompt_that_there_is_not_is_a_lookup_error() -> None:
    with pytest.raises(LookupError, match=r"no prompt 'nonsense': there are .*barred"):
        prompt("nonsense")


def test_each_prompt_is_known_by_phone_and_no_two_are_alike(tmp_path: Path) -> None:
    """Measured: itself at least 0.99, any other at most 0.23."""
    path, before = tmp_path / "heard.wav", np.zeros(0)
    for name in PROMPTS:
        if before.size:  # all others so far, one after the other
            write_wav(path, before)
            assert likeness(path, prompt(name)) < 0.3, name
        heard = over_the_phone(np.concatenate([np.zeros(3333), played(name), np.zeros(5000)]))
        write_wav(path, heard)
        assert likeness(path, prompt(name)) > 0.95, name
        before = np.concatenate([before, heard])


@pytest.mark.parametrize("name", ["barred", "challenge-5", "warning"])
def test_a_prompt_is_known_from_what_a_network_leaves_of_it(tmp_path: Path, name: str) -> None:
    whole = played(name)
    third = whole.size // 3
    left = {
        "its beginning": whole[: max(12000, whole.size // 2)],
        "its end, then its beginning": np.concatenate([whole[-third:], np.zeros(4000), whole, whole[:third]]),
        "one packet lost, one put in": np.concatenate(
            [whole[:third], whole[third + 160 : 2 * third], np.zeros(160), whole[2 * third :]]
        ),
        "turned down by 26 dB": whole * 0.05,
        "with noise": whole + np.random.default_rng(3).normal(0, 0.01, whole.size),
    }
    for what, samples in left.items():
        write_wav(tmp_path / "heard.wav", over_the_phone(samples, gain=1.0))
        assert likeness(tmp_path / "heard.wav", prompt(name)) > 0.7, what
        assert which_prompt(tmp_path / "heard.wav", ["blocked", name, "listed"]) == name, what


def broken_up(samples: Samples, *breaks: tuple[float, Samples]) -> Samples:
    """The samples with more put in at these seconds of theirs."""
    places = [round(second * RATE_HZ) for second, _ in breaks]
    return np.insert(
        samples, np.repeat(places, [each.size for _, each in breaks]), np.concatenate([b for _, b in breaks])
    )


@pytest.mark.parametrize("name", ["barred", "challenge-5", "changed", "warning"])
def test_a_prompt_is_known_though_who_played_it_stood_still_amid_it(tmp_path: Path, name: str) -> None:
    """A switch without a processor's time goes on where it stopped, and its packets say how much later that was."""
    pauses = [np.zeros(round(seconds * RATE_HZ)) for seconds in (0.3, 1.1, 0.22)]
    stopped = {
        "once": broken_up(played(name), (0.7, pauses[1])),
        "twice": broken_up(played(name), (0.55, pauses[0]), (1.2, pauses[1])),
        "thrice": broken_up(played(name), *zip((0.3, 0.8, 1.3), pauses, strict=True)),
        "twice in its beginning": broken_up(played(name)[:12000], (0.5, pauses[1]), (1.0, pauses[2])),
    }
    for how, samples in stopped.items():
        write_wav(tmp_path / "heard.wav", over_the_phone(np.concatenate([np.zeros(3333), samples, np.zeros(5000)])))
        assert which_prompt(tmp_path / "heard.wav") == name, how
        others = (likeness(tmp_path / "heard.wav", prompt(other)) for other in PROMPTS if other != name)
        assert max(others) < 0.35, how


def test_a_prompt_with_other_sound_put_in_is_not_whole(tmp_path: Path) -> None:
    """Only silence is a standstill: words found here and there in a long talk are not put together to a prompt."""
    pause, talk = np.zeros(8000), np.concatenate([tone(hz, 0.02, level=0.1) for hz in range(300, 3300, 60)])
    scores = []
    for between in (pause, talk):
        write_wav(tmp_path / "heard.wav", over_the_phone(broken_up(played("barred"), (0.97, between), (1.94, between))))
        scores.append(likeness(tmp_path / "heard.wav", prompt("barred")))
    assert scores[0] > 0.9
    assert scores[1] < 0.5


@pytest.mark.parametrize("talker", ["family", "police", "office"])
def test_a_talk_in_shreds_is_no_prompt(tmp_path: Path, talker: str) -> None:
    """However often it stood still: what is not heard between sounds counts against a prompt."""
    pauses, talk = np.random.default_rng(9), read_wav(caller_says(talker, "en"))[0]
    seconds = np.arange(0.4, talk.size / RATE_HZ, 0.4)
    shreds = broken_up(talk, *((second, np.zeros(round(pauses.uniform(800, 12000)))) for second in seconds))
    write_wav(tmp_path / "heard.wav", over_the_phone(shreds, gain=0.4))
    assert max(likeness(tmp_path / "heard.wav", prompt(name)) for name in PROMPTS) < 0.42


def test_a_prompt_recorded_at_another_rate_is_the_same_prompt(tmp_path: Path) -> None:
    whole = played("barred")
    write_wav(tmp_path / "wide.wav", np.fft.irfft(np.fft.rfft(whole), 2 * whole.size) * 2, rate=2 * RATE_HZ)
    assert likeness(tmp_path / "wide.wav", prompt("barred")) > 0.95


def test_silence_noise_tones_and_next_to_nothing_are_no_prompt(tmp_path: Path) -> None:
    heard = {
        "silence": np.zeros(32000),
        "noise": np.random.default_rng(1).normal(0, 0.1, 32000),
        "a tone": tone(440, 4.0),
        "nothing": np.zeros(0),
        "a tenth of a second": played("barred")[8000:8800],
        "the prompt, too faint to hear": played("barred") * 0.002,
    }
    for what, samples in heard.items():
        write_wav(tmp_path / "heard.wav", samples)
        assert max(likeness(tmp_path / "heard.wav", prompt(name)) for name in ("barred", "challenge-5")) < 0.3, what
        assert which_prompt(tmp_path / "heard.wav", ["barred", "spoofed"]) is None, what


def test_only_the_prompts_asked_for_are_told_apart(tmp_path: Path) -> None:
    write_wav(tmp_path / "heard.wav", played("listed"))
    assert which_prompt(tmp_path / "heard.wav") == "listed"
    assert which_prompt(tmp_path / "heard.wav", ["barred", "listed"]) == "listed"
    assert which_prompt(tmp_path / "heard.wav", ["barred", "spoofed"]) is None
