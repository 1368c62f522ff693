"""Measurements that are run by hand: ratios side by side in one run, never a timed test."""
