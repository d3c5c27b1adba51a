"""Text, audio, both or neither: variants of one network, trained, measured and compared."""
