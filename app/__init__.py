"""The composition root and the process: builds everything, starts it, stops it."""
