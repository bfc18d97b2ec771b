"""Independent clients against the real bus."""
