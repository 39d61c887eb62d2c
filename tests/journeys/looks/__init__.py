"""Walks past the pages that `test_accessibility.py` looks at: one module for each area, all found by themselves."""
