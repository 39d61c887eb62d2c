"""A training portal: public dates, and places that signed-in customers book."""
