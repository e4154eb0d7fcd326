"""The figures: each module draws one from tables, and returns it with exactly the numbers drawn."""
