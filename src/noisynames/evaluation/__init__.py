"""Trained models on held-out names."""
