"""How models learn, with two engines that mean the same."""
