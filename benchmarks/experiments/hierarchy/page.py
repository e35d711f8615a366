"""The page of the experiment and its figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib import pyplot as plt

from benchmarks.experiments.blocks import Floats, Measured, over_blocks
from benchmarks.experiments.command import Asked
from benchmarks.experiments.drawing import draw_lines, save, styles_of
from benchmarks.experiments.hierarchy import agents, measuring, taps
from benchmarks.experiments.hierarchy.plan import (
    ALONE,
    AUTOMATON,
    BASE_RATE,
    FEW_STEPS,
    HASTY,
    ITSELF,
    NAME,
    NETWORK,
    Plan,
    Row,
    rows_of,
)
from benchmarks.experiments.pages import format_interval, page_of, table

QUESTION = """\
A message twin says what a 5G core says, but cannot know which sessions are admitted: that hangs on
queues and resources. Tao et al. (Wireless Network Digital Twin for 6G: Generative AI as A Key
Enabler, section IV) propose that it asks a policy twin, and test both apart. Here they work
together: the policy twin gets an observation that is rebuilt from messages alone, decides, and the
message twin says what follows.

`python -m benchmarks.experiments.hierarchy` can be stopped and goes on where it was."""

By = Mapping[str, Measured]


def page_text(plan: Plan, asked: Asked, measured: Sequence[Measured]) -> str:
    """The page in Markdown.

    Args:
        plan: sizes.
        asked: what was asked for.
        measured: all cells.
    """
    by = {one.label: one for one in measured}
    parts = [
        _set_up(plan, asked),
        "## What holds\n\n" + "\n".join(f"- {one}" for one in _findings(plan, by)),
        f"![exact policy messages over the length of the log, and lossy taps]({NAME}.png)",
        "## Policy messages and decisions\n\n" + _fidelity(plan, by),
        "## Indicators of the emulated control plane\n\n" + _gaps(plan, by),
        "## Agents trained on the emulated core, tested on the real one\n\n" + _agents(plan, by),
        "## Taps that lose messages\n\n" + _taps(plan, by),
        "## Every indicator\n\n" + _every(plan, by),
    ]
    return page_of("The hierarchy of twins", QUESTION, asked.command, parts)


def _set_up(plan: Plan, asked: Asked) -> str:
    return (
        f"`contention` for {plan.horizon_s:g} s, default policy `density`, {asked.seeds} blocks of "
        f"one world. In each block the message twins learn from the messages of another episode "
        f"({plan.message_steps} steps, width {plan.width}, windows of 16 messages of one UE), and "
        "policy twins from so many logged decisions of `density`. The message twin alone is "
        "trained without decisions and answers a request at once; another one has "
        f"{FEW_STEPS} steps of training. Policy messages are N4 establishments and rejects. Which "
        "requests may wait, and for how long, are rules of the scenario in every row but the last "
        "two."
    )


def _findings(plan: Plan, by: By) -> list[str]:
    exact = {row: _at(by, row.label, measuring.EXACT) for row in rows_of(plan)}
    known, learned = Row(AUTOMATON, 0), Row(NETWORK, 0)
    most = max(plan.decisions)
    bound = _at(by, BASE_RATE, "best_by_slice")
    gap = over_blocks(_gap(by[Row(NETWORK, most).label], "revenue_rate"))
    alone = over_blocks(_gap(by[ALONE], "revenue_rate"))
    return [
        f"Known answer: exact automaton and {ITSELF} say {exact[known]} of the policy messages "
        "exactly, never part from the real network, and have its indicators.",
        f"The message twin with {ITSELF} says {exact[learned]}; with a policy twin of {most:,} "
        f"decisions {exact[Row(NETWORK, most)]}. After {FEW_STEPS} steps of training it says "
        f"{exact[Row(HASTY, 0)]}.",
        f"Alone it says {exact[Row(ALONE)]}; the most frequent answer of the slice is right in "
        f"{exact[Row(BASE_RATE)]}, and no rule that knows the slice alone is in more than {bound}.",
        f"Revenue of the emulated control plane less that of the real one, a second: "
        f"{format_interval(gap, 3)} with a policy twin of {most:,} decisions, "
        f"{format_interval(alone, 3)} for the message twin alone, which "
        "counts no resources and asks nobody.",
        *(
            f"A tap that loses {100 * loss:g} % of the messages gets "
            f"{_at(by, f'loss {loss:g}', taps.WRONG, 3)} of the observations wrong, and "
            f"{_at(by, f'loss {loss:g}', taps.BY_POLICY, 3)} of the decisions change."
            for loss in plan.losses
            if loss
        ),
    ]


def _at(by: By, label: str, name: str, digits: int = 4) -> str:
    return format_interval(by[label].interval(name), digits)


def _fidelity(plan: Plan, by: By) -> str:
    names = (
        measuring.EXACT, measuring.AGREEMENT, measuring.FORCED_FIRST, measuring.FORCED_AFTER,
        measuring.FREE_FIRST, measuring.FREE_AFTER,
    )  # fmt: skip
    rows = [
        [row.label, *(
            _at(by, row.label, name) if name in by[row.label].values else "" for name in names
        )]
        for row in rows_of(plan)
    ]  # fmt: skip
    heads = ["control plane", "exact policy messages", "same decisions",
             "decisions before the first other one", "same after it",
             "running free: share of the time before it parts", "same fate after it"]  # fmt: skip
    return table(heads, rows) + (
        "\n\nThe first four are with the past forced to be the true one at every decision. Running "
        "free, each control plane lives with what it has said; requests come as in the real "
        "network, and the last two are of what becomes of them: two networks part where a request "
        "is answered in another way or at another instant, and the last column has the requests "
        "that come later and end in the same way, at whatever instant. A share after something "
        "that does not happen is 1."
    )


def _gap(one: Measured, name: str) -> Floats:
    """Emulated less real, one a block."""
    gap: Floats = one.values[measuring.EMULATED + name] - one.values[measuring.REAL + name]
    return gap


def _gaps(plan: Plan, by: By) -> str:
    rows = []
    for row in rows_of(plan):
        if row.messages != BASE_RATE:
            gaps = [over_blocks(_gap(by[row.label], name)) for name in agents.KPIS]
            rows.append([row.label, *(format_interval(gap, 4) for gap in gaps)])
    real = by[Row(AUTOMATON, 0).label]
    first = ["real", *(
        format_interval(over_blocks(real.values[measuring.REAL + name]), 4) for name in agents.KPIS
    )]  # fmt: skip
    return table(["control plane", *agents.KPIS], [first, *rows]) + (
        "\n\nThe first row has values, the others differences to it in the same worlds. What a "
        "network without enough resources would serve is in the figures of the message twin alone. "
        "A refusal with another cause is counted as another loss, and changes nothing else."
    )


def _agents(plan: Plan, by: By) -> str:
    labels = [name for name in (*measuring.ANCHORS, *agents.TRAINED_ON) if f"agent {name}" in by]
    rows = [
        [
            f"`{name}`" if name in measuring.ANCHORS else f"maskable-ppo, trained on: {name}",
            *(_at(by, f"agent {name}", kpi) for kpi in agents.KPIS),
        ]
        for name in labels
    ]
    text = table(["policy", *agents.KPIS], rows)
    if NETWORK not in labels:
        return text + "\n\nNo agents were trained in this run."
    kernel = by[f"agent {agents.KERNEL}"].values["revenue_rate"]
    gaps = [
        f"{format_interval(over_blocks(by[f'agent {name}'].values['revenue_rate'] - kernel), 3)} "
        f"(on: {name})"
        for name in labels
        if name not in (*measuring.ANCHORS, agents.KERNEL)
    ]
    others = [by[f"agent {name}"].values["revenue_rate"] for name in labels]
    is_equal = all((one == kernel).all() for one in others[len(measuring.ANCHORS) :])
    why = (
        " Here all trainings of a seed end alike: the message twins say the right procedures, and "
        "an agent does not see the causes of refusals."
    )
    return text + (
        f"\n\nTested in {plan.agent_worlds} worlds a block of the real network; "
        f"{plan.agent_steps:,} steps from scratch, the same settings and worlds. Intervals of rows "
        "are wide where a seed has learned little in so few steps. Trained on an emulated core "
        "less trained on the kernel, paired by seeds, revenue a second: "
        f"{' and '.join(gaps)}. On the exact "
        "automaton a training is that on the kernel to the last bit, which a test holds."
        + (why if is_equal else "")
    )


def _taps(plan: Plan, by: By) -> str:
    names = (taps.COUNTS, taps.OBSERVATION, taps.WRONG, taps.IMPOSSIBLE, taps.BY_POLICY,
             taps.BY_TWIN)  # fmt: skip
    rows = [
        [f"{100 * loss:g} %", *(_at(by, f"loss {loss:g}", name) for name in names)]
        for loss in plan.losses
    ]
    heads = ["messages lost", "requests in the wrong place", "error of a field",
             "observations with an error", "decisions that cannot be carried out",
             "changed decisions of the policy",
             f"of its twin of {plan.decisions[-1]:,}"]  # fmt: skip
    return table(heads, rows) + (
        "\n\nMeans over the decisions of the real episode, in whose states a control plane behind "
        "the tap is asked. Fields are scaled to 0 to 1. A lost message is made good by the next "
        "one of the same UE; what is lost for good is a procedure of which nothing is heard."
    )


def _every(plan: Plan, by: By) -> str:
    most, fewest = max(plan.decisions), min(plan.decisions)
    shown = [Row(NETWORK, most), Row(NETWORK, fewest), Row(HASTY, 0), Row(ALONE)]
    real = by[Row(AUTOMATON, 0).label]
    names = [
        name.removeprefix(measuring.REAL) for name in real.values if name.startswith(measuring.REAL)
    ]
    rows = [
        [
            name,
            format_interval(over_blocks(real.values[measuring.REAL + name]), 4),
            *(format_interval(over_blocks(_gap(by[row.label], name)), 4) for row in shown),
        ]
        for name in names
    ]
    heads = ["indicator", "real", *(f"{row.label}: difference" for row in shown)]
    return table(heads, rows)


def draw(path: Path, plan: Plan, measured: Sequence[Measured]) -> None:
    """Exact policy messages over the length of the log, and changed decisions over losses."""
    by = {one.label: one for one in measured}
    figure, (left, right) = plt.subplots(1, 2, figsize=(14.0, 4.8))
    lines = {
        name: [
            (float(count), by[Row(name, count).label].interval(measuring.EXACT))
            for count in plan.decisions
        ]
        for name in (AUTOMATON, NETWORK)
    }
    lines |= {
        name: [(float(count), by[name].interval(measuring.EXACT)) for count in plan.decisions]
        for name in (ALONE, BASE_RATE)
    }
    left.set_xscale("log")
    left.set_xlabel("decisions that the policy twin has learned from")
    left.set_ylabel("exact policy messages")
    draw_lines(left, lines, styles_of(list(lines)))
    lost = {
        label: [(100 * loss, by[f"loss {loss:g}"].interval(name)) for loss in plan.losses]
        for label, name in (("policy", taps.BY_POLICY), ("observations", taps.WRONG))
    }
    right.set_xscale("symlog", linthresh=0.1)
    right.set_xlabel("messages lost (%)")
    right.set_ylabel("share of decisions changed, of observations wrong")
    draw_lines(right, lost, styles_of(list(lost)))
    figure.subplots_adjust(wspace=0.6)
    save(figure, path)
