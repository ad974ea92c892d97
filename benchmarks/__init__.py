"""Measurements that anybody can repeat, given as ratios to a floor measured in the same run."""
