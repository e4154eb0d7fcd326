"""The figures. Each module draws one figure from tables and returns it with exactly the numbers drawn."""
