"""Windows of messages: nothing of a UE or of the future is in them that should not be."""

from itertools import chain

import numpy as np
import pytest

from twin_gym.errors import ConfigError
from twin_gym.twins.signalling.emulator import emulate
from twin_gym.twins.signalling.learned.vectors import CATEGORIES, END, INPUTS, bits_of, codes_of
from twin_gym.twins.signalling.learned.windows import (
    judged_windows,
    split,
    streams_of,
    window_of,
)
from twin_gym.twins.signalling.message import to_vectors


@pytest.fixture(scope="module")
def log():
    """Eight UEs for four minutes."""
    return emulate("signalling-single-slice", seed=3, num_ues=8, horizon_s=240.0)


def test_codes_and_bits_are_within_what_networks_embed(log):
    """All that the binary vector says is in them."""
    codes, bits = codes_of(log.records), bits_of(log.records)
    assert (codes >= 0).all()
    assert (codes.max(axis=0) < [*CATEGORIES.values(), *INPUTS.values()]).all()
    assert np.array_equal(bits, to_vectors(log.records)[:, -bits.shape[1] :])


def test_split_shares_neither_ues_nor_time(log):
    """Held-out UEs are not learned from, nor is anything after the cut."""
    learned, judged, cut_ns = split(log)
    assert not set(learned.column("ue")) & set(judged.column("ue"))
    assert learned.column("time_ns").max() < cut_ns <= judged.column("time_ns").max()
    assert -1 not in learned.column("ue")


def test_split_of_one_ue_is_refused(log):
    """There is nothing to hold out."""
    with pytest.raises(ConfigError, match="cannot be split by UE and by time"):
        split(log.of_ues([0]))


def test_stream_of_a_ue_has_its_messages_alone(log):
    """Per UE no other UE is there; interleaved, all of them are, and no message of a node."""
    streams = streams_of(log, "per-ue")
    assert all(len(set(one.ues)) == 1 for one in streams)
    (whole,) = streams_of(log, "interleaved")
    assert len(whole) == sum(log.column("ue") >= 0) == sum(map(len, streams))


@pytest.mark.parametrize("context", ["interleaved", "per-ue"])
def test_target_of_a_position_is_the_next_message_of_the_core(log, context):
    """Where a UE speaks next, the core says nothing."""
    stream = streams_of(log, context)[0]
    window = window_of(stream, 3, 12, range(13))
    for place, target in enumerate(window.targets):
        after = 3 + place + 1
        if stream.is_from_core[after]:
            assert np.array_equal(target, stream.codes[after])
            assert np.array_equal(window.target_bits[place], stream.bits[after])
        else:
            assert target[0] == END
            assert not target[1:].any()
            assert not window.next_begun[place]


def test_slots_tell_ues_apart_and_nothing_else(log):
    """Permuted slots are those of the same UEs; the next slot is that of the next message."""
    (stream,) = streams_of(log, "interleaved")
    permuted = np.random.default_rng(2).permutation(33)
    plain, other = (window_of(stream, 5, 32, slots) for slots in (range(33), permuted))
    assert np.array_equal(permuted[plain.slots], other.slots)
    assert np.array_equal(plain.next_slots[:-1], plain.slots[1:])
    ues = stream.ues[5:37]
    assert np.array_equal(plain.slots[:, None] == plain.slots, ues[:, None] == ues)


def test_window_says_nothing_of_its_target(log):
    """Another message of the core in its place changes targets alone."""
    (stream,) = streams_of(log, "interleaved")
    last = 20 + int(np.flatnonzero(stream.is_from_core[20:])[0])
    window = window_of(stream, last - 10, 10, range(11))
    changed = log.records.copy()
    place = stream.places[last]
    changed["cause"][place] = (changed["cause"][place] + 1) % 30
    codes = codes_of(changed)[stream.places]
    other = window_of(
        type(stream)(stream.places, codes, stream.bits, stream.ues, stream.is_begun),
        last - 10, 10, range(11),
    )  # fmt: skip
    assert not np.array_equal(window.targets, other.targets)
    for name in ("codes", "bits", "slots", "next_slots", "next_begun", "next_decisions"):
        assert np.array_equal(getattr(window, name), getattr(other, name))


@pytest.mark.parametrize("length", [1, 2, 7, 96, 10_000])
def test_every_message_is_judged_once(log, length):
    """Windows cover a stream; what lies before counts as context."""
    stream = streams_of(log, "per-ue")[0]
    found = chain.from_iterable(
        (start + place + 1 for place in range(first, length) if window.weights[place])
        for window, start, first in judged_windows(stream, length, range(1))
    )
    assert list(found) == list(range(1, len(stream)))
