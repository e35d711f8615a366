"""How near rules, planners and learners come to the best collection of waste from 100 bins.

As `waste_learners`, on 100 of Edinburgh's sensored litter bins (they need TWIN_GYM_DATA). A plan
takes seconds there and the bound minutes, hence fewer worlds, and the bound in three of them.

`python -m benchmarks.experiments.waste_learners_large` can be stopped and goes on where it was.
"""

from __future__ import annotations

from benchmarks.experiments.waste_learners import comparison
from benchmarks.experiments.waste_rows import LARGE, LARGE_WORLDS

app = comparison("waste_learners_large", __doc__, LARGE, worlds=LARGE_WORLDS)

if __name__ == "__main__":
    app()
