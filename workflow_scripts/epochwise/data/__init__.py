"""Images, labels and label noise: from files on disk to the training samples of one run."""
