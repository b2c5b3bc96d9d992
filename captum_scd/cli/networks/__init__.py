"""From a SPEC on the command line to a network that can be explained, with what it says of itself."""
