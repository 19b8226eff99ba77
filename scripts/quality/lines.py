"""Ways in which a voice may reach a line: handsets, loudspeakers, headsets, noise, codecs. Each takes a random generator and
samples at 16 kHz, and returns as many samples."""
import numpy as np
from conversations import LEVEL, RATE
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt


def mu_law(samples):
    code = np.round(np.sign(samples) * np.log1p(255 * np.abs(samples)) / np.log1p(255) * 127) / 127
    return np.sign(code) * np.expm1(np.abs(code) * np.log1p(255)) / 255


def band(samples, low, high, order=4, rate=RATE):
    return sosfilt(butter(order, [low, high], "band", fs=rate, output="sos"), samples)


def reverberant(rng, samples, seconds, direct):
    """With a decaying room of this length; `direct` weighs the direct sound against it. Of the same level."""
    length = int(seconds * RATE)
    room = rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 4))
    room[0] = direct * np.sqrt((room[1:] ** 2).sum()) / 3
    result = fftconvolve(samples, room)[: len(samples)]
    level = np.std(result)
    return result / level * np.std(samples) if level > 0 else result


def hiss(rng, length):
    noise = band(rng.standard_normal(length), 100, 3000, 2)
    return noise / np.std(noise)


def handset(rng, samples):
    return band(samples, rng.uniform(200, 350), rng.uniform(3200, 3500))


def loudspeaker(rng, samples):
    narrow = band(samples, rng.uniform(350, 500), rng.uniform(2600, 3200))
    return reverberant(rng, narrow, rng.uniform(0.2, 0.5), rng.uniform(1, 2.5)) * 10 ** (-rng.uniform(8, 14) / 20)


def headset(rng, samples):
    return np.convolve(samples, [1, -rng.uniform(0.2, 0.7)])[: len(samples)] * 10 ** (rng.uniform(0, 6) / 20)


def quiet(rng, samples):
    return samples * 10 ** (-rng.uniform(6, 15) / 20)


def noisy(rng, samples):
    return samples + hiss(rng, len(samples)) * LEVEL * 10 ** (-rng.uniform(8, 16) / 20)


def mobile(rng, samples):
    dull = np.convolve(band(samples, 120, 3700, 2), [1, rng.uniform(0.2, 0.6)])[: len(samples)]
    step = 2.0 ** -rng.integers(6, 9)
    return np.round(dull / step) * step


def muffled(rng, samples):
    return sosfilt(butter(2, rng.uniform(900, 1600), "low", fs=RATE, output="sos"), samples) * 1.5


WAYS = [handset, loudspeaker, headset, quiet, noisy, mobile, muffled]


def line(rng, samples, telephone, snr=(18, 40)):
    """The line itself, with noise: samples and their rate, 8 kHz with mu-law for the telephone."""
    samples = samples + hiss(rng, len(samples)) * LEVEL * 10 ** (-rng.uniform(*snr) / 20)
    if not telephone:
        return samples, RATE
    narrow = band(resample_poly(samples, 1, 2), 300, 3400, rate=8000)
    return mu_law(np.clip(narrow, -1, 1)), 8000
