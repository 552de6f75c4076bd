"""The masked autoencoder: its training with Keras, and its use with numpy alone."""
