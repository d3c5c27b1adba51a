"""`llavataros view`: motion, words, beats and sound as one page that opens from disk."""
