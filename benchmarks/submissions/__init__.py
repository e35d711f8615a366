"""Agents of strangers: a folder with `agent.toml`, checked, run apart, and run again to verify."""
