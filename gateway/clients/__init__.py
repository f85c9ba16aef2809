"""The services as the gateway calls them, and the only place that opens channels.

Channels are opened at the first call of a process, never before a fork (rule 8). Every call has a deadline, which shrinks with
what is left of the request's budget; the service config repeats UNAVAILABLE alone, which is safe because writes carry a key.
Every method raises the error of the tree that the service raised; Unavailable when it could not be reached in time.
"""

from gateway.clients.process import Services, ServicesOfProcess, services

__all__ = ["Services", "ServicesOfProcess", "services"]
