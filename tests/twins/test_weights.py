"""Files of weights are looked at by their header, and refused before anything is made of them."""

import json
import time
import tracemalloc

import pytest
import safetensors.torch
import torch

from twin_gym.errors import ConfigError
from twin_gym.twins.networks import MAX_LAYERS, FlatNetwork
from twin_gym.twins.strict_json import MAX_DEPTH, read_object
from twin_gym.twins.weights import MAX_WEIGHT, load_weights, read_header

NETWORK = FlatNetwork(3, 2, (4,), torch.Generator().manual_seed(0))
CONTENT = safetensors.torch.save(NETWORK.state_dict())
LENGTH = int.from_bytes(CONTENT[:8], "little")
HEADER = json.loads(CONTENT[8 : 8 + LENGTH])
DATA = CONTENT[8 + LENGTH :]
NAME = "action_net.bias"


def packed(header, data=DATA):
    """A file of this header; a text is taken as it is."""
    raw = (header if isinstance(header, str) else json.dumps(header)).encode()
    return len(raw).to_bytes(8, "little") + raw + data


def with_bias(**changes):
    """The header with other words about one tensor."""
    return packed(HEADER | {NAME: HEADER[NAME] | changes})


def test_a_header_says_types_and_shapes():
    """Of every tensor, and the text beside them."""
    header = read_header(packed(HEADER | {"__metadata__": {"about": "x"}}), "it")
    assert header.tensors[NAME] == ("F32", (2,))
    assert header.tensors["policy_net.0.weight"] == ("F32", (4, 3))
    assert header.about == {"about": "x"}
    loaded = load_weights(CONTENT, NETWORK, "it")
    assert all(torch.equal(loaded[name], one) for name, one in NETWORK.state_dict().items())


OTHERS = {
    "empty": b"",
    "short": CONTENT[:7],
    "no header": b"\x80\x04K\x01." * 9,
    "a huge length": (2**63).to_bytes(8, "little") + CONTENT[8:],
    "a length of nothing": (0).to_bytes(8, "little") + CONTENT[8:],
    "cut": CONTENT[:-1],
    "longer": CONTENT + b"0",
    "a list": packed("[]"),
    "a name twice": packed(json.dumps(HEADER)[:-1] + f', "{NAME}": {json.dumps(HEADER[NAME])}}}'),
    "a nest": packed("[" * 100_000),
    "no text": packed(HEADER | {"__metadata__": {"about": 1}}),
    "an overlap": with_bias(data_offsets=HEADER["policy_net.0.bias"]["data_offsets"], shape=[4]),
    "a gap": packed({name: one for name, one in HEADER.items() if name != "policy_net.0.bias"}),
    "another length": with_bias(shape=[3]),
    "a negative shape": with_bias(shape=[-2]),
    "a shape of truth": with_bias(shape=[True, 2]),
    "a huge shape": with_bias(shape=[2**62, 2**62]),
    "a long shape": with_bias(shape=[2**62] * 50_000),
    "a shape of text": with_bias(shape="2"),
    "an unknown type": with_bias(dtype="F31"),
    "a type of list": with_bias(dtype=["F32"]),
    "offsets past the end": with_bias(data_offsets=[10**9, 10**9 + 8]),
    "offsets backwards": with_bias(data_offsets=[8, 0]),
    "three offsets": with_bias(data_offsets=[0, 8, 8]),
    "a key too many": with_bias(stride=[1]),
    "a tensor of nothing": packed(HEADER | {NAME: None}),
    "too many tensors": packed({f"t{i}": HEADER[NAME] for i in range(10_001)}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_file_of_weights_is_refused(name):
    """With our own error, at once and in little memory."""
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(ConfigError, match=r"^it"):
        read_header(OTHERS[name], "it")
    assert time.process_time() - start < 1.0
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda one: one.double(), "must be F32 of shape .* got F64"),
        (lambda one: one.to(torch.int32), "must be F32 of shape .* got I32"),
        (lambda one: one.half(), "got F16"),
        (lambda one: one[:1], "of shape \\(2,\\), got F32 of shape \\(1,\\)"),
        (lambda one: one + float("inf"), "not finite"),
        (lambda one: one * float("nan"), "not finite"),
        (lambda one: one + 3e38, "at most 1e\\+06"),
        (lambda one: one - 1.1 * MAX_WEIGHT, "at most 1e\\+06"),
    ],
)
def test_other_weights_than_the_networks_are_refused(change, words):
    """Types, shapes, and values with which a decision could not be computed."""
    weights = NETWORK.state_dict()
    content = safetensors.torch.save(weights | {NAME: change(weights[NAME])})
    with pytest.raises(ConfigError, match=words):
        load_weights(content, NETWORK, "it")


def test_largest_weights_give_finite_numbers():
    """The bound is low enough: whatever is seen, in the widest and deepest network."""
    network = FlatNetwork(64, 2, (4096, 64))
    with torch.no_grad():
        for one in network.parameters():
            one.fill_(MAX_WEIGHT)
        assert torch.isfinite(network(torch.ones(1, 64))).all()


def test_a_blank_network_takes_neither_time_nor_memory():
    """Names and shapes of the widest layers, and no numbers."""
    start = time.process_time()
    network = FlatNetwork.blank(10_000, 4096, [4096] * MAX_LAYERS)
    assert time.process_time() - start < 1.0
    assert all(one.device.type == "meta" for one in network.parameters())
    with pytest.raises(ConfigError, match=r"1 to 8 hidden layers .* got 9 layers"):
        FlatNetwork.blank(3, 2, [4] * (MAX_LAYERS + 1))
    for widths in ([0], [4097], [True], ["4"], []):
        with pytest.raises(ConfigError, match="widths of 1 to 4096"):
            FlatNetwork.blank(3, 2, widths)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\xff\xfe", "UTF-8"),
        ("", "Expecting value"),
        ("null", "must be one object"),
        ('{"a": NaN}', "'NaN' is no finite number"),
        ('{"a": -Infinity}', "no finite number"),
        ('{"a": 1e999}', "'1e999' is no finite number"),
        ('{"a": 1, "a": 1}', "the key 'a' stands twice"),
        ('{"b": [{"a": 1, "a": 2}]}', "the key 'a' stands twice"),
        ('{"a": ' + "9" * 5_000 + "}", "4300 digits"),
        ('{"a":' * 100_000, "deep"),
        ('{"a":' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}", "more than 32 deep"),
        ('{"a": 1} {"a": 1}', "Extra data"),
    ],
)
def test_json_that_means_nothing_or_two_things_is_refused(text, words):
    """In the words of its fault."""
    with pytest.raises(ConfigError, match=f"^it is not.*{words}"):
        read_object(text, "it")


def test_json_that_is_plain_is_read():
    """As deep as it may be, from text and from bytes."""
    text = '{"a":' + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1) + ', "b": 1.5}'
    assert read_object(text, "it") == read_object(text.encode(), "it")
