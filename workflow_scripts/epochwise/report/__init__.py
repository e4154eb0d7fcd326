"""The pages that people open: captions, claims and findings."""
