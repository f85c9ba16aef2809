"""How fast Onefold is on this machine, beside the floors that the machine itself sets."""
