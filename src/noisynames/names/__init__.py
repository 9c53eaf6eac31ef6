"""What models read: names, their alphabet, splits, noise and examples."""
