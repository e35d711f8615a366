"""A sliced network under admission control: layout in memory, workload, compiled rules, KPIs."""
