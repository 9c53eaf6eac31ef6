"""How models learn: two engines, one meaning."""
