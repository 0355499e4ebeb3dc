"""Predictions for services that can't be measured here: larger nodes and clusters.

A seeded discrete-event simulation; all its numbers come from `parameters`.
"""
