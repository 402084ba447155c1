"""Tones and prompts to play and to find again: how a test proves that a phone heard what was played to it.

Samples are float arrays in -1..1; files are 16-bit mono WAV.
"""

from __future__ import annotations

import wave
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator.media.prompts import PROMPTS, prompt

Samples = npt.NDArray[np.float64]

RATE_HZ = 8000
BLOCK_S = 0.05  # 20 Hz wide bins: two tones 100 Hz apart are told apart with ease
PURE = 0.8  # the share of its energy that makes a block of samples a tone
AUDIBLE_RMS = 0.005  # about 46 dB below full scale; G.711's idle noise is well under it

PIECE_S = 0.5  # long enough to know a piece of speech by, short enough that a jitter buffer leaves most of them whole
STEP = 64  # samples by which delays are told apart once pieces have been found
PEAKS = 3  # the best delays of each piece, of which those of the others may be more than steps away
SLIP = 8  # steps by which a piece may be early or late within its prompt: three packets lost or put in
ENOUGH_S = 1.2  # that much of a prompt tells it from all others; what is shorter counts in proportion
SAME = 0.5  # the prompts' own recordings score above 0.7, any other's below 0.35


def tone(hz: float, seconds: float, *, rate: int = RATE_HZ, level: float = 0.3) -> Samples:
    """A pure tone of ``hz``; ``level`` is its peak, 1 being full scale."""
    times = np.arange(round(seconds * rate)) / rate
    return np.asarray(level * np.sin(2 * np.pi * hz * times), dtype=np.float64)


def write_wav(path: Path, samples: Samples, *, rate: int = RATE_HZ) -> None:
    """Write samples as 16-bit mono; what is beyond full scale is clipped."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def read_wav(path: Path) -> tuple[Samples, int]:
    """Samples and rate (Hz) of a 16-bit mono WAV; ValueError for any other kind and for one that was cut short."""
    with _opened(path) as file:
        if (file.getnchannels(), file.getsampwidth()) != (1, 2):
            raise ValueError(
                f"{path}: found {file.getnchannels()} channels of {file.getsampwidth() * 8} bits,"
                " expected mono of 16 bits"
            )
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        return samples.astype(np.float64) / 32768, file.getframerate()


def _opened(path: Path) -> wave.Wave_read:
    try:
        return wave.open(str(path), "rb")
    except (EOFError, wave.Error) as error:
        raise ValueError(f"{path}: no whole WAV file ({error or 'it ends too early'})") from error


def tone_share(samples: Samples, hz: float, *, rate: int = RATE_HZ) -> float:
    """The share (0..1) of the samples' energy that a sine of ``hz`` explains: one bin of a Fourier transform."""
    return float(_tone_shares(samples[np.newaxis], hz, rate)[0])


def _tone_shares(blocks: Samples, hz: float, rate: int) -> Samples:
    """The same of each row."""
    energies = np.sum(blocks**2, axis=1)
    turn = np.exp(-2j * np.pi * hz / rate * np.arange(blocks.shape[1]))
    explained = 2 * np.abs(blocks @ turn) ** 2 / max(1, blocks.shape[1])
    shares: Samples = np.divide(explained, energies, out=np.zeros_like(energies), where=energies > 0)
    return np.minimum(1.0, shares)


def tone_seconds(samples: Samples, hz: float, *, rate: int = RATE_HZ, share: float = PURE) -> float:
    """For how many seconds a tone of ``hz`` is audible and carries at least ``share`` of the energy."""
    blocks = _blocks(samples, rate)
    audible = _rms(blocks) >= AUDIBLE_RMS
    return BLOCK_S * int(np.count_nonzero(_tone_shares(blocks[audible], hz, rate) >= share))


def _blocks(samples: Samples, rate: int) -> Samples:
    """The samples in rows of BLOCK_S each; what is left over at the end is left out."""
    size = round(BLOCK_S * rate)
    return samples[: samples.size // size * size].reshape(-1, size)


def _rms(blocks: Samples) -> Samples:
    """The loudness of each row."""
    return np.asarray(np.sqrt(np.mean(blocks**2, axis=1)), dtype=np.float64)


def heard(path: Path, hz: float) -> float:
    """For how many seconds the tone of ``hz`` is heard in a recording."""
    samples, rate = read_wav(path)
    return tone_seconds(samples, hz, rate=rate)


def is_silent(path: Path) -> bool:
    """True if nothing in a recording can be heard."""
    return not np.any(_rms(_blocks(*read_wav(path))) >= AUDIBLE_RMS)


def likeness(recording: Path, prompt: Path, *, but_for: Collection[float] = ()) -> float:
    """Measure how surely the prompt is in the recording: 1 is as it was played, 0 not at all.

    The prompt is looked for piece by piece, each by its normalised cross-correlation with the recording, at the one
    delay at which the pieces together fit best. So neither delay, gain, G.711 nor repetition matters, a packet lost
    or put in costs one piece, and of a prompt that was heard in part only that part counts. Who played it may have
    stood still amid it: the delay may grow by what is silent there. Where a tone of one of the frequencies ``but_for``
    is heard, nothing else is looked for.
    """
    played, heard_ = _brightened(prompt), _brightened(recording, but_for)
    count = max(1, round(played.size / RATE_HZ / PIECE_S))
    size = played.size // count // STEP * STEP
    pieces = played[: count * size].reshape(count, size)
    norms = np.linalg.norm(pieces, axis=1)
    starts = -(-(heard_.size + played.size) // STEP)  # the recording may begin, or end, amid the prompt
    before = (played.size - size) // STEP  # where no piece reaches the recording yet
    length = (starts - before) * STEP
    lead = played.size - before * STEP
    fits, audible = _fits(np.pad(heard_, (lead, length + size - 1 - heard_.size - lead)), pieces)
    around = (before, count * size // STEP)  # steps at which nothing is heard
    fits, audible = np.pad(fits, ((0, 0), around)), np.pad(audible, around)
    rows = np.arange(count)[:, np.newaxis]
    places = rows * size // STEP + np.arange(starts)
    fit, could = _around(fits)[rows, places], norms[:, np.newaxis] * audible[places]
    enough = float(norms.sum() * min(1.0, ENOUGH_S / PIECE_S / count))
    steady = fit.sum(axis=0) / np.maximum(could.sum(axis=0), enough)
    delays = np.append(_peaks(fits[rows, places]), np.argmax(steady))
    whole = np.pad(heard_, (played.size, (fits.shape[1] + size // STEP) * STEP - heard_.size - played.size))
    silent = np.append(0, np.cumsum(_rms(whole.reshape(-1, STEP)) < AUDIBLE_RMS / 2))
    # Between sounds a piece that is not heard counts: none is put aside in a pause to let the others fit.
    amid = np.maximum.accumulate(audible) & np.maximum.accumulate(audible[::-1])[::-1]
    could = norms[:, np.newaxis] * amid[places[:, delays]]
    halting = _halting(fit[:, delays], could, enough, _may_follow(places[:, delays], silent))
    return float(np.clip(max(np.max(steady), halting), 0, 1))


def which_prompt(recording: Path, prompts: Iterable[str] = PROMPTS) -> str | None:
    """The name of the prompt that is heard in the recording, the surest one of these; None where it is none of them."""
    found = max((likeness(recording, prompt(name)), name) for name in prompts)
    return found[1] if found[0] >= SAME else None


def _brightened(path: Path, but_for: Collection[float] = ()) -> Samples:
    """The file's samples at 8 kHz, high tones raised: speech is mostly low tones, which are alike in all of it."""
    samples, rate = read_wav(path)
    blocks = _blocks(samples, rate)
    for hz in but_for:
        blocks[_tone_shares(blocks, hz, rate) >= PURE] = 0
    if rate != RATE_HZ:
        size = samples.size * RATE_HZ // rate
        samples = np.fft.irfft(np.fft.rfft(samples)[: size // 2 + 1], size) * (size / samples.size)
    return np.diff(samples)


def _fits(samples: Samples, pieces: Samples) -> tuple[Samples, npt.NDArray[np.bool_]]:
    """The fit of each piece (a row) with the samples at the best of each STEP places at which it is in them whole, and
    for each first of these places, True if anything can be heard there.

    Block by block (overlap-save), so that what is computed stays in the processor's cache: the transforms of short
    blocks, of sizes that are powers of two, are the quickest. Those of half the precision, which is still far more than
    a recording's, take half the time.
    """
    size = pieces.shape[1]
    block = 1 << (4 * size - 1).bit_length()
    step, places = (block - size + 1) // STEP * STEP, samples.size - size + 1
    spectra = np.fft.rfft(pieces.astype(np.float32), block).conj()
    faint = AUDIBLE_RMS / 2 * np.sqrt(size)
    fits: list[Samples] = []
    audible: list[npt.NDArray[np.bool_]] = []
    for start in range(0, places, step):
        part = samples[start : start + step + size - 1]
        sums = np.cumsum(np.pad(part**2, (1, 0)))
        levels = np.sqrt(np.maximum(sums[size:] - sums[:-size], 0))
        inverse = np.divide(1.0, levels, out=np.zeros_like(levels), where=levels > faint)
        products = np.fft.irfft(np.fft.rfft(part.astype(np.float32), block) * spectra, block)[:, : inverse.size]
        fits.append((products * inverse.astype(np.float32)).reshape(len(pieces), -1, STEP).max(axis=2))
        audible.append(inverse[::STEP] > 0)
    return np.concatenate(fits, axis=1, dtype=np.float64), np.concatenate(audible)


def _peaks(fits: Samples) -> npt.NDArray[np.intp]:
    """The delays, each once, at which one of the pieces (rows) fits best."""
    left, found = fits.copy(), []
    for _ in range(min(PEAKS, fits.shape[1])):
        best = np.argmax(left, axis=1)
        found.append(best)
        near = np.clip(best[:, np.newaxis] + np.arange(-SLIP, SLIP + 1), 0, fits.shape[1] - 1)
        np.put_along_axis(left, near, -1.0, axis=1)
    return np.unique(found)


def _may_follow(places: npt.NDArray[np.intp], silent: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """True where a piece may follow upon the one before it: where the recording, from where that one begins to where
    this one ends, is silent for as long as the delay has grown.

    `places` are those of the pieces (rows) at each delay (columns), `silent` counts the silent steps before each place.
    What comes back has a matrix for each piece but the first: its delays in rows, those of the piece before in columns.
    """
    size = np.diff(places, axis=0)[:, :1, np.newaxis]
    before, after = places[:-1, np.newaxis, :], places[1:, :, np.newaxis]
    grown = after - before - size
    return np.asarray((grown >= 0) & (silent[after + size] - silent[before] >= grown - SLIP))


def _halting(fit: Samples, could: Samples, enough: float, may_follow: npt.NDArray[np.bool_]) -> float:
    """The likeness of pieces (rows) that are each at one of several delays (columns), which may follow so upon each
    other."""
    fits, coulds = fit[0], could[0]
    for index, follows in enumerate(may_follow, 1):
        before = np.argmax(np.where(follows, fits - SAME * coulds, -np.inf), axis=1)
        fits, coulds = fits[before] + fit[index], coulds[before] + could[index]
    return float(np.max(fits / np.maximum(coulds, enough)))


def _around(values: Samples) -> Samples:
    """The greatest value within SLIP places of each, in each row."""
    padded = np.pad(values, ((0, 0), (SLIP, SLIP)))
    return np.asarray(np.max(np.lib.stride_tricks.sliding_window_view(padded, 2 * SLIP + 1, axis=1), axis=2))
