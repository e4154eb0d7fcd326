"""The kinds of label noise, one module per kind. The name of the module is the `kind` in the configuration.

A module defines

- `SETTINGS`: the JSON schema of each of its keys in the configuration. A key without a default must be given. `rate` is
  `{"$ref": "#/$defs/rate"}`. A kind whose share of wrong labels is exactly its rate also has `matched_rate`, which
  replaces the rate.
- `given_labels(true, classes, settings, random)`: the given labels (N,) for the true labels (N,) in 0..classes−1.
  `settings` is the noise's block of the configuration, and `random` a generator for this draw. Whatever else a kind
  needs, such as pixels, is in `settings["samples"]` (`epochwise.data.samples.Samples`).
- `check(settings, source)`, if there is more to check than the schema does: raises InputError, whose message begins
  with the key, if the settings do not fit the data set `source` (`epochwise.data.sources.Source`).
- `files(settings, folder)`, if it reads files: their paths. `folder` is that of the data set. Raises InputError, whose
  message begins with the key, if they are not there.
"""
