"""gRPC of identity_merge: request → command or query → response."""

from services.identity_merge.api.access import AccessApi
from services.identity_merge.api.accounts import CustomerAccountApi
from services.identity_merge.api.api_keys import ApiKeyApi
from services.identity_merge.api.audit import AuditApi
from services.identity_merge.api.authentication import AuthenticationApi
from services.identity_merge.api.batches import MergeBatchApi
from services.identity_merge.api.duplicates import DuplicatesApi
from services.identity_merge.api.logins import LoginApi
from services.identity_merge.api.merges import MergeApi
from services.identity_merge.api.social import SocialLoginApi
from services.identity_merge.api.staff import StaffApi

__all__ = [
    "AccessApi",
    "ApiKeyApi",
    "AuditApi",
    "AuthenticationApi",
    "CustomerAccountApi",
    "DuplicatesApi",
    "LoginApi",
    "MergeApi",
    "MergeBatchApi",
    "SocialLoginApi",
    "StaffApi",
]
