"""What identity_merge tells the others (proto/onefold/identity_merge/v1/events.proto), and its things as the contract writes them."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from onefold.common.v1 import audit_pb2 as common_audit
from onefold.identity_merge.v1 import audit_pb2, events_pb2, service_pb2
from onefold.membership.v1 import service_pb2 as membership
from services.common import audit
from services.common.outbox import Event, event
from services.common.wire import timestamp
from services.identity_merge.domain.access import ApiKey, StaffMember, Store
from services.identity_merge.domain.audit import Link, Written
from services.identity_merge.domain.logins import OWNED_KINDS, LoginMethod
from services.identity_merge.domain.merges import Adjustment, MergeState, Run
from services.identity_merge.domain.staff import Invitation

noted = partial(audit.noted, "identity_merge")


def store_changed(store: Store) -> Event:
    """A store exists, or its settings changed."""
    message = events_pb2.StoreChanged(store=store_message(store), version=store.version)
    return event(message, store.store_id, store.version)


def confirmation_requested(login_method_id: UUID, customer_id: UUID, name: str, email: str, language: str) -> Event:
    """A confirmation e-mail is wanted (A4)."""
    message = events_pb2.ConfirmationRequested(
        login_method_id=str(login_method_id), customer_id=str(customer_id), name=name, email=email, language=language
    )
    return event(message, customer_id, 0)


def code_requested(code_id: UUID, customer_id: UUID | None, kind: str, value: str, language: str) -> Event:
    """A code to log in or register by is wanted; it is made when it is sent, so no event carries one."""
    message = events_pb2.CodeRequested(
        code_id=str(code_id), customer_id=str(customer_id or ""), kind=kind, value=value, language=language
    )
    return event(message, code_id, 0)


def login_confirmed(method: LoginMethod) -> Event:
    """A customer has proved to hold a login method; a provider's subject is nobody else's business (A7)."""
    message = events_pb2.LoginConfirmed(
        login_method_id=str(method.login_method_id),
        customer_id=str(method.customer_id),
        kind=method.kind,
        value=method.value if method.kind in OWNED_KINDS else "",
    )
    return event(message, method.customer_id, 0)


def account_notice(to: LoginMethod, what: str, detail: str = "") -> Event:
    """The owner of an account shall hear by this login method that something about its safety has changed."""
    message = events_pb2.AccountNoticeRequested(
        customer_id=str(to.customer_id), what=what, kind=to.kind, value=to.value, detail=detail
    )
    return event(message, to.customer_id, 0)


def staff_invited(invitation: Invitation, invited_by: str, language: str) -> Event:
    """An invitation is to be mailed; its token is made when it is sent."""
    message = events_pb2.StaffInvited(
        invitation_id=str(invitation.invitation_id),
        email=invitation.email,
        name=invitation.name,
        role=service_pb2.StaffRole.ValueType(invitation.role),
        invited_by=invited_by,
        language=language,
    )
    return event(message, invitation.invitation_id, 0)


def staff_reset_requested(reset: Invitation, language: str) -> Event:
    """A link to set a new password is to be mailed; its token is made when it is sent."""
    message = events_pb2.StaffResetRequested(
        invitation_id=str(reset.invitation_id), email=reset.email, name=reset.name, language=language
    )
    return event(message, reset.invitation_id, 0)


def merge_started(run: Run) -> Event:
    """Participants are locked and the merge has begun."""
    return event(events_pb2.MergeStarted(run=run_message(run)), run.merge_run_id, run.version)


def merge_finished(run: Run) -> Event:
    """The merge is completed or refused."""
    if run.state is MergeState.COMPLETED:
        message = events_pb2.MergeCompleted(run=run_message(run), old_ids=[str(i) for i in run.old_ids])
        return event(message, run.merge_run_id, run.version)
    return event(events_pb2.MergeRefused(run=run_message(run)), run.merge_run_id, run.version)


def audit_chained(store_id: UUID, link: Link) -> Event:
    """The store's audit log has grown."""
    return event(events_pb2.AuditChained(seq=link.seq, hash=link.hash), store_id, link.seq)


def store_message(store: Store) -> service_pb2.Store:
    """A store for the wire."""
    return service_pb2.Store(
        store_id=str(store.store_id),
        slug=store.slug,
        name=store.name,
        region=store.region,
        currency=store.currency,
        timezone=store.timezone,
        language=store.language,
    )


def staff_message(member: StaffMember) -> service_pb2.StaffMember:
    """A member of staff for the wire."""
    return service_pb2.StaffMember(
        staff_id=str(member.staff_id),
        email=member.email,
        name=member.name,
        role=service_pb2.StaffRole.ValueType(member.role),
    )


def api_key_message(key: ApiKey) -> service_pb2.ApiKey:
    """An API key for the wire, without its secret."""
    return service_pb2.ApiKey(
        api_key_id=str(key.api_key_id),
        name=key.name,
        scopes=key.scopes,
        created_at=timestamp(key.created_at),
        created_by=key.created_by,
        expires_at=timestamp(key.expires_at),
        last_used_at=timestamp(key.last_used),
        old_secret_until=timestamp(key.old_until),
    )


def login_message(method: LoginMethod) -> service_pb2.LoginMethod:
    """A login method for the wire."""
    return service_pb2.LoginMethod(
        login_method_id=str(method.login_method_id),
        customer_id=str(method.customer_id),
        kind=method.kind,
        value=method.shown,
        confirmed_at=timestamp(method.confirmed_at),
    )


def adjustment_message(adjustment: Adjustment) -> membership.PointsAdjustment:
    """An adjustment for the wire."""
    return membership.PointsAdjustment(
        points=adjustment.points, expires_on=adjustment.expires_on, description=adjustment.description
    )


def run_message(run: Run) -> service_pb2.MergeRun:
    """A merge for the wire."""
    return service_pb2.MergeRun(
        merge_run_id=str(run.merge_run_id),
        state=service_pb2.MergeState.ValueType(run.state),
        primary_id=str(run.request.primary_id),
        merged_ids=[str(i) for i in run.request.merged_ids],
        adjustment=adjustment_message(run.request.adjustment),
        orders_moved=run.orders_moved,
        refusal=run.refusal,
        started_by=run.started_by,
        started_at=timestamp(run.started_at),
        finished_at=timestamp(run.finished_at),
        earlier_ids=[str(i) for i in run.earlier_ids],
        orders_expected=run.orders_expected or 0,
        ended_logins=[
            service_pb2.EndedLogin(
                customer_id=str(each.customer_id),
                kind=each.kind,
                mask=each.mask,
                confirmed_at=timestamp(each.confirmed_at),
            )
            for each in run.ended_logins
        ],
    )


def entry_message(found: Written) -> audit_pb2.AuditEntry:
    """An entry of the audit log for the wire."""
    entry, doing = found.entry, found.entry.doing
    return audit_pb2.AuditEntry(
        seq=entry.link.seq,
        service=doing.service,
        actor=doing.actor,
        action=doing.action,
        subject_kind=doing.subject_kind,
        subject_id=str(doing.subject_id),
        changes=[common_audit.AuditChange(field=f, before=b, after=a) for f, b, a in doing.changes],
        at=timestamp(doing.at),
        request_id=doing.request_id,
        hash=entry.link.hash.hex(),
        actor_name=found.actor_name,
    )
