"""Features of motion for the Fréchet gesture distance: an autoencoder, trained or imported."""
