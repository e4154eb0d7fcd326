"""The kinds of label noise, one module per kind. The name of the module is the `kind` in the configuration.

A module defines `given_labels(true, classes, settings, random)`. It returns the given labels (N,) for the true labels
(N,) in 0..classes−1. `settings` is the noise's block of the configuration, and `random` a generator for this draw.
"""
