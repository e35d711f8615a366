"""Learned agents: one file each, on the public interface of twin_gym alone."""
