"""`make merges`: merges by the thousand at random, beside orders, payments, refunds and faults, then the audit."""
