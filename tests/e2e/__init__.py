"""Both flows in a real browser, on the real system."""
