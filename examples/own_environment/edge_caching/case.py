"""What the contract suite needs to know of edge caching; not needed to use it.

In a checkout of twin_gym, with this package on `PYTHONPATH`:

    TWIN_GYM_KINDS=edge_caching python -m pytest tests/contract --env edge_caching

`CASE` is what `Case` in `tests/contract/case.py` takes; more of its entries are needed where there
is a model in SimPy, or where only some scenarios suit a form.
"""

CASE = {
    # A small preset for each form of the action, and an episode of some twenty steps.
    "presets": {"replace": "caching-small"},
    "shorten": lambda one: one.replace(horizon_s=20 * one.slot_s),
    # Episodes may draw this scenario beside a short one: the same actions, another network.
    "together": lambda one: one.replace(zipf_exponent=0.3, horizon_s=one.horizon_s / 2),
    # In this one the mask forbids something.
    "scarce": lambda one: one.replace(zipf_exponent=2.0),
    # The components that each objective adds up.
    "objectives": {"hit": ("hit",)},
    # Arguments of the environment, and changes of the preset, that are refused: in these words.
    "refused": (
        ({"scenario": "caching-smal"}, "did you mean 'caching-small'"),
        ({"action": "replaced"}, "did you mean 'replace'"),
        ({"objective": "hits"}, "did you mean 'hit'"),
    ),
    "unfit": (
        ({"num_places": 50}, "give it fewer places"),
        ({"horizon_s": 10.5}, "whole slots"),
        ({"places": 3}, "did you mean"),
    ),
}
