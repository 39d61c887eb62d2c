"""Benchmarks: figures for a machine and a day, never part of the tests."""
