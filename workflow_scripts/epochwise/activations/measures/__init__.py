"""Measures of a layer beyond the cosine, one module per family. The name of the module is that in the configuration.

A module defines

- `MEASURES`: the names of its measures, each with what it says and its range.
- `values(layer, settings)`: for each measure the values (1 + P,) of a layer (`epochwise.activations.layer.Layer`). The
  first is computed with the given labels of the data, the P others with permuted ones: they are the null. A measure
  that does not depend on the given labels has one value (1,). `settings` is the block `measures` of the configuration.

Each measure has two nulls: the permuted labels, and epoch 0, the untrained network.
"""
