"""The start page of the demo: what there is to try, and ready-made customers in each state."""
