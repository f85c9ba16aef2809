"""The local runner: PostgreSQL, NATS, a mail catcher and all processes, with nothing installed first."""
