"""From snapshots to statistics of every hidden layer."""
