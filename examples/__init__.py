"""The two sibling sites of the demo, and its data."""
