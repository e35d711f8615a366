"""Message twins: they learn, resume, answer, and are saved without pickle."""

import json

import numpy as np
import pytest
import torch

from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.twins.signalling.emulator import emulate
from twin_gym.twins.signalling.grammar import short_name
from twin_gym.twins.signalling.kinds import KINDS
from twin_gym.twins.signalling.learned.fidelity import MessageFidelity
from twin_gym.twins.signalling.learned.networks import blank_network, new_network, num_parameters
from twin_gym.twins.signalling.learned.settings import MessageTwinSettings
from twin_gym.twins.signalling.learned.training import WindowTensors
from twin_gym.twins.signalling.learned.twin import MessageTwin, train_message_twin
from twin_gym.twins.signalling.learned.windows import split, streams_of, window_of
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.tables import MessageTable

TINY = MessageTwinSettings(layers=1, width=16, heads=2, window=12, num_steps=12, batch_size=4)
LEARNS = MessageTwinSettings(layers=1, width=32, window=24, num_steps=150, batch_size=12)


def changed(settings, **values):
    """Settings with other values."""
    return MessageTwinSettings(**(vars(settings) | values))


@pytest.fixture(scope="module")
def parts():
    """What is learned from and judged by, of eight UEs."""
    return split(emulate("signalling-single-slice", seed=1, num_ues=8, horizon_s=500.0))


@pytest.fixture(scope="module")
def twin(parts):
    """A small Transformer of one UE's messages."""
    return train_message_twin(parts[0], LEARNS)


def equal(one, other):
    """Whether two networks have the same weights."""
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


@pytest.mark.parametrize("context", ["interleaved", "per-ue"])
@pytest.mark.parametrize(("layers", "width"), [(1, 16), (2, 64), (4, 128)])
def test_networks_have_equally_many_parameters(layers, width, context):
    """Transformer and LSTM differ by less than 5 %, apart from what they share too."""
    sizes, bodies = [], []
    for name in ("transformer", "lstm"):
        network = blank_network(
            MessageTwinSettings(network=name, context=context, layers=layers, width=width)
        )
        sizes.append(num_parameters(network))
        bodies.append(num_parameters(network.body))
    assert abs(sizes[0] / sizes[1] - 1) < 0.05
    assert abs(bodies[0] / bodies[1] - 1) < 0.05


@pytest.mark.parametrize("name", ["transformer", "lstm"])
def test_network_does_not_look_ahead(parts, name):
    """What comes later changes nothing of what is said before."""
    settings = changed(TINY, network=name, context="interleaved")
    network = new_network(settings, torch.Generator().manual_seed(1))
    (stream,) = streams_of(parts[0], "interleaved")
    inputs = WindowTensors.of([window_of(stream, 0, 12, range(13))]).inputs
    later = [one.clone() for one in inputs]
    for one in later:
        one[:, 7:] = 0
    with torch.no_grad():
        states, others = network(*inputs), network(*later)
    assert torch.equal(states[:, :7], others[:, :7])
    assert not torch.equal(states[:, 7:], others[:, 7:])


def test_twin_learns_what_the_core_says(twin, parts):
    """Untrained it is wrong; the grammar forbids what it would say wrongly, and costs nothing."""
    _, judged, cut_ns = parts
    learned = MessageFidelity.of(twin, judged, cut_ns)
    free = MessageFidelity.of(twin.decoded("free"), judged, cut_ns)
    untrained = new_network(LEARNS, torch.Generator().manual_seed(1))
    blank = MessageFidelity.of(MessageTwin(untrained, twin.metadata, "free"), judged, cut_ns)
    assert learned.violations == 0.0 < free.violations < blank.violations
    assert learned.f1 > free.f1 > 0.5 > blank.f1
    assert learned.exact > MessageTable(0, "log").fit(parts[0]).exact(judged) + 0.2
    assert 0 < learned.num_stateful < learned.num_messages
    assert learned.accuracy > learned.absent_accuracy > 0.95


def test_answer_ends_and_is_of_the_core(twin, parts):
    """The messages of a turn obey the grammar, and carry the identities of the UE."""
    _, judged, _ = parts
    num_answers = 0
    for place in [one for one in range(len(judged)) if judged[one].ue >= 0][:40]:
        request = judged[place]
        if KINDS[request.kind].is_from_core:
            continue
        history = MessageLog(judged.records[:place], judged.slices)
        answers = twin.answer(history, request)
        assert len(answers) < 20
        for one in answers:
            assert one.ue == request.ue
            assert KINDS[one.kind].is_from_core
            assert one.amf_ue_ngap_id >= 0 or KINDS[one.kind].pfcp or "Paging" in one.name
        num_answers += len(answers)
    assert num_answers > 5


def test_interleaved_twin_answers_too(parts):
    """An untrained network of the other kind and context still obeys the grammar."""
    settings = changed(TINY, network="lstm", context="interleaved", num_steps=1)
    twin = train_message_twin(parts[0], settings)
    request = parts[1][0]
    assert [short_name(one.kind) for one in twin.answer(MessageLog.of([]), request)] == [
        "Authentication request"
    ]


def test_message_of_the_core_is_not_answered(twin, parts):
    """Nor one of no UE."""
    records = parts[1].records
    place = next(one for one in range(len(records)) if KINDS[records["kind"][one]].is_from_core)
    with pytest.raises(ConfigError, match="answers messages to the core"):
        twin.answer(MessageLog.of([]), parts[1][place])


def test_training_that_was_killed_ends_as_if_it_had_not_been(parts, tmp_path):
    """It goes on from its last checkpoint, to the same weights, bit for bit."""
    settings, file = changed(TINY, checkpoint_every=5), tmp_path / "training.safetensors"
    whole = train_message_twin(parts[0], settings, seed=3)

    def killed(step, loss):
        if step == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_message_twin(parts[0], settings, seed=3, checkpoint=file, on_step=killed)
    steps = []
    resumed = train_message_twin(
        parts[0], settings, seed=3, checkpoint=file, on_step=lambda step, loss: steps.append(step)
    )
    assert steps == list(range(6, 13))
    assert equal(whole.network, resumed.network)


def test_checkpoint_of_another_training_is_refused(parts, tmp_path):
    """Another seed, other settings, or a file that is cut."""
    file = tmp_path / "training.safetensors"
    settings = changed(TINY, checkpoint_every=5, num_steps=5)
    train_message_twin(parts[0], settings, checkpoint=file)
    with pytest.raises(ConfigError, match="another log, other settings or another seed"):
        train_message_twin(parts[0], settings, seed=1, checkpoint=file)
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(ConfigError, match="no checkpoint"):
        train_message_twin(parts[0], settings, checkpoint=file)


def test_training_draws_nothing_from_the_global_generator(parts):
    """The same seed gives the same twin; torch's own state stays as it was."""
    before = torch.get_rng_state()
    ones = [train_message_twin(parts[0], changed(TINY, num_steps=2), seed=4) for _ in range(2)]
    assert equal(ones[0].network, ones[1].network)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", ["transformer", "lstm"])
def test_saved_twin_is_the_same_twin(parts, tmp_path, name):
    """Weights, settings and provenance come back; so do the answers."""
    twin = train_message_twin(parts[0], changed(TINY, network=name, num_steps=2), seed=2)
    twin.save(tmp_path)
    again = MessageTwin.load(tmp_path, decoding="free")
    assert equal(twin.network, again.network)
    assert again.metadata.replace(weights_sha256="") == twin.metadata
    assert again.decoding == "free"
    fidelities = [MessageFidelity.of(one, parts[1]) for one in (twin.decoded("free"), again)]
    assert np.array_equal(*[list(vars(one).values()) for one in fidelities], equal_nan=True)


def test_damaged_twin_is_refused(twin, tmp_path):
    """Another file of weights, another vocabulary, a key that is not known."""
    twin.save(tmp_path)
    weights, metadata = tmp_path / "message.safetensors", tmp_path / "message.json"
    about = json.loads(metadata.read_text())
    for change in ({"vocabulary": "0" * 16}, {"colour": "red"}, {"width": 10**9}, {"heads": 5}):
        metadata.write_text(json.dumps(about | change))
        with pytest.raises(ConfigError, match=r"message\.json"):
            MessageTwin.load(tmp_path)
    metadata.write_text(json.dumps(about))
    content = weights.read_bytes()
    weights.write_bytes(content[:-4] + b"\0\0\0\1")
    with pytest.raises(ConfigError, match="was changed"):
        MessageTwin.load(tmp_path)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"network": "gru"}, "gru"),
        ({"context": "both"}, "both"),
        ({"width": 30}, "multiple of its 4 heads"),
        ({"window": 0}, "window"),
    ],
)
def test_settings_that_cannot_be_are_refused(values, said):
    """With what is allowed."""
    with pytest.raises((ConfigError, UnknownNameError), match=said):
        MessageTwinSettings(**values)
