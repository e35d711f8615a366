"""Runs cells: which ones, on which processes or hosts, seen while they run, kept one by one."""
