"""Tables for the terminal and the ledger: summaries, comparisons, and what can be run.

Import the modules; this package imports none of them, so that `pinn list` need not load NumPy.
"""
