"""All runs together: means and intervals over seeds, claims and findings."""
