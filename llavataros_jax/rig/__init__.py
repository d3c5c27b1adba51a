"""Characters: which joint is which bone, and files that open where people work."""
