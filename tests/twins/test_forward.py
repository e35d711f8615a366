"""The forward pass without torch gives what the torch module gives."""

import numpy as np
import pytest
import torch

from twin_gym.twins import PlainNetwork, SliceNetwork


@pytest.mark.parametrize("hidden", [(8,), (64, 64), (5, 7, 3)])
def test_plain_network_equals_torch_up_to_rounding(hidden):
    """For any number of layers and rows."""
    network = SliceNetwork(17, 5, hidden, torch.Generator().manual_seed(3))
    plain = PlainNetwork({name: x.numpy() for name, x in network.state_dict().items()})
    seen = np.random.default_rng(0).random((40, 17), np.float32)
    expected = network(torch.from_numpy(seen)).detach().numpy()
    assert plain(seen) == pytest.approx(expected, abs=1e-6)
    assert plain(seen).dtype == np.float32


def test_plain_network_is_a_copy_of_its_moment():
    """Later learning of the module does not change the copy."""
    network = SliceNetwork(3, 2, (4,), torch.Generator().manual_seed(0))
    state = {name: values.numpy() for name, values in network.state_dict().items()}
    plain, seen = PlainNetwork(state), np.ones((1, 3), np.float32)
    before = plain(seen)
    with torch.no_grad():
        for values in network.parameters():
            values += 1.0
    assert np.array_equal(plain(seen), before)
