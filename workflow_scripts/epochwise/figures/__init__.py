"""The figures. Each module draws one figure from tables and returns it with exactly the numbers drawn.

Importing this package imports Matplotlib without the settings of the user, see `matplotlib_import`.
"""

import epochwise.figures.matplotlib_import  # noqa: F401
