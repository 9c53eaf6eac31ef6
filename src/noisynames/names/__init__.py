"""What is read: names, their alphabet, splits, noise and examples."""
