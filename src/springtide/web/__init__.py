"""The HTTP face: what shops and tills speak to."""
