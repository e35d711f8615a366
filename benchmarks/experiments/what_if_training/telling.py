"""The text of the page beside its numbers."""

QUESTION = """
Does training on generated twins make an agent better on the network that really comes, than
training on history alone, or on randomised parameters?
""".strip()

ANSWER = """
**Answer.** No: on the last nine days of the real trace agents trained on generated twins are not
clearly better than those trained on history alone or on randomised parameters (five seeds;
differences of at most 2.7 %, with intervals of ± 4 to 14 %), and the static reservation tuned on
history earns more in the mean than all of them. On `shift` nearly all trainings end at one and
the same rule, to admit hardly any `ubiquitous`, whatever they are on, so that there is nothing
that twins could add.

What else can be seen. Luck of the training is a great part of the intervals on the trace; to see
3 % there, more seeds or steps are needed. The hindsight rows of agents are no upper reference:
trained on the very network that came, agents learn hardly more than `density` in so many steps,
on the trace and after the swap alike; why was not looked into, and the reservations tuned in
hindsight are the better reference. Where the swap is unforeseen, the reservation tuned on history
earns most on history and loses 2.5 % to the agents' cruder rule on what came.
""".strip()

SET_UP = """
**Networks.** *service*: the 29 days of `service-trace`; the first 20 are history (a replay of its
own window), the last nine come (another one). *shift*: two slices swap their rates half-way. In
*unforeseen* history holds ten stretches of 100 s before a swap and nothing else, and what comes
is the network after it, for good. In *seen before* history holds ten whole episodes and the first
half of the next; now is just before its swap.

**What is fitted to what.** Everything but the rows marked *hindsight* is fitted to history alone.
*History alone*: the replay of the 20 days; the network before the swap; `shift` itself. *One
fitted network*: rates, daily profiles and holding-time quantiles of all of history (the functions
that fitted `service-calibrated`, on the first part). *Randomised*: that network, its rates times
exp(0.7 z) and mean holding times times exp(0.35 z), z standard normal for each slice, without
looking at windows. *Twins*: the generators of `twin_gym.twins.scenarios` on windows of a day
(shift: 25 s) by `history_from_requests`, whose prior is found by moments, so that windows which
differ by chance alone are alike; now is the last window. Capacity, revenue, patience and queues
are known and the same everywhere; the capacity of `service-trace` was once chosen from all 29
days.

**Trainings.** One a seed and row; training seed = generator seed; a training draws its own 32
twins, a GAN is trained for each. Agent, steps and settings are the same in all rows of a case,
with credit equally long in seconds. Held-out twins are 48 of another seed of the generator (the
GAN trained anew): no digest is in common with any training.

**Tests.** Block k is the training of seed k in validation worlds of its own, which nothing has
been chosen on; all rows meet the same worlds, and gains are paired by block. Intervals are
Student's over the five blocks: they hold the luck of trainings and worlds. On the real trace they
do **not** hold the luck of the month: all worlds of *what came* are five-day stretches of the
same nine days, from moments that are drawn, so that they overlap and there are hardly two
independent ones; what is said is of these nine days. History is the same twenty days for all
trainings, too.

**Bounds.** Hindsight over all beginnings for the replay; the fluid bound for the network after
the swap.
""".strip()

TRIED = """
On the real trace, in other validation worlds of history alone (revenue in 1,000 s, 131,072 steps,
two trainings of each unless said; `density` earns 6.71 there): MaskablePPO on the replay with its
defaults 7.16 (one training); rows out of step and annealed 7.42 and 7.28; the same with rollouts
of 16 decisions 7.50 and 7.54: taken; the credit twice as long, with rollouts of 32, 6.57 and
6.82. A2C stays at `density` there (demo_service_trace.md). On `shift`, A2C with and without rows
out of step and annealing: 25.58 to 25.62, no difference; the former was taken. Twins in windows
of half a day, other spreads of the randomised parameters and other numbers of twins were not
tried.

That agents admit hardly any `ubiquitous` after the swap was looked at in *seen before*, for five
trainings on each of history, fitted, randomised, historical and hybrid: 2 % of them in 24 of 25,
97 % in the other one.
""".strip()
