"""A study in which people judge motion: its page, and the analysis of what they answered."""
