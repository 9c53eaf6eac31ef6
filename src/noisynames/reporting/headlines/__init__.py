"""The short answer on the first screen: a file for each thing that a config may vary."""
