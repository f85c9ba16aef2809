"""What waits to be done by the worker, since when: for whoever watches (services/common/sampling.py).

Messages that have failed are put off for reasons of their own, up to a day: they are counted apart, so that the age of the others says
how far behind the sender is. A webhook waits from when it is due: until then it is its receiver's matter.
"""

from __future__ import annotations

from services.notification.domain import Channel

_NEW = "SELECT created_at FROM messages WHERE channel = '{}' AND state = 'queued' AND failing_since IS NULL"
_PUT_OFF = "SELECT failing_since FROM messages WHERE channel = '{}' AND state = 'queued' AND failing_since IS NOT NULL"
QUEUES = (
    {str(channel): _NEW.format(channel) for channel in Channel}
    | {f"{channel}_put_off": _PUT_OFF.format(channel) for channel in Channel}
    | {
        # Nobody but a person can say what has become of them.
        "messages_unknown": "SELECT created_at FROM messages WHERE state = 'unknown' ORDER BY created_at",
        "webhooks": """SELECT GREATEST(d.next_attempt_at, w.rest_until)
 FROM webhook_deliveries d JOIN webhooks w USING (store_id, webhook_id)
 WHERE d.state = 'queued' AND d.next_attempt_at <= now() AND w.rest_until <= now()""",
    }
)
