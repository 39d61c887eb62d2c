"""Clients that nobody here wrote, configured as docs/connect/ says, each with a customer in Chromium."""
