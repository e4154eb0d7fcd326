"""The network, its training loop, snapshots and saved states."""
