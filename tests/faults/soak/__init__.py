"""`make faults`: everything a store does at once, while everything that can break breaks at random; then the books are compared."""
