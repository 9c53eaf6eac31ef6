"""The models that read names: cells, readouts, weights and predictions."""
