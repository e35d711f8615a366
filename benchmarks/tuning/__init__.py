"""How rules and learners were tuned: on validation worlds, with budgets that are written down."""
