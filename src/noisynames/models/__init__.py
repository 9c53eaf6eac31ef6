"""What reads the names: cells, readouts, weights and predictions."""
