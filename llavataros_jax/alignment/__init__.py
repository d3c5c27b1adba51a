"""Does a motion belong to its speech? Two encoders that agree on what is said and moved together.

Numbers are only as good as the encoders: each model says how often it was right on natural motion
that it never saw, and a model that is not better than chance there must not be reported.
"""
