"""Measure the bot reproducibly; results are ratios to a baseline from the same run."""
