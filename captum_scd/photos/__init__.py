"""Photos: finding them, reading them, and preparing what a network gets to see of them."""
