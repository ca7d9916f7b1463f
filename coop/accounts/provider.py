"""Signing in by a provider's word (OpenID Connect): code flow with PKCE, state and nonce. It never makes people.

The provider is asked outside of any transaction: `begin`, then its page, `redeem`, then `person_meant`.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from uuid import UUID

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from coop import audit
from coop.accounts import ceremonies
from coop.accounts.ceremonies import Ceremony
from coop.database import Connection
from coop.errors import Unauthenticated, Unavailable
from coop.identity import ANONYMOUS, Viewer
from coop.keys import base64url
from coop.queries import load
from coop.settings import Settings

SQL = load("coop.accounts")
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
TIMEOUT_SECONDS = 10.0
CLOCK_SECONDS = 60


class ProviderAway(Unavailable):
    """The provider does not answer, or not as OpenID Connect says."""

    code = "coop.provider_away"


class ProviderRefused(Unauthenticated):
    """The provider did not sign the person in, or what came back is not the answer to what was asked."""

    code = "coop.provider_refused"


class NobodyMeant(Unauthenticated):
    """Nobody here has the e-mail address that the provider has verified."""

    code = "coop.nobody_meant"


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom the provider signed in."""

    issuer: str
    subject: str
    email: str | None
    verified: bool
    onward: str


@dataclass(frozen=True, slots=True)
class Begun:
    """What was begun at the provider: what it must say back, and where the person goes then."""

    nonce: str
    verifier: str
    onward: str


def name_of(settings: Settings) -> str:
    """How the provider is called: its host; empty where there is none."""
    return urlsplit(settings.oidc_issuer).hostname or ""


def begin(
    conn: Connection, settings: Settings, endpoint: str, back: str, onward: str, now: datetime
) -> tuple[str, str]:
    """Where the person is sent, and the state that must come back in the same browser."""
    nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    secret = ceremonies.begin(conn, Ceremony.PROVIDER, now, nonce=nonce, verifier=verifier, onward=onward)
    state = base64url(secret)
    asked = {
        "response_type": "code",
        "client_id": settings.oidc_client_id,
        "redirect_uri": back,
        "scope": "openid email",
        "state": state,
        "nonce": nonce,
        "code_challenge": base64url(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}", state


def come_back(conn: Connection, state: str, now: datetime) -> Begun:
    """What was begun with `state`, once; raises `ProviderRefused`."""
    try:
        secret = base64.urlsafe_b64decode(state + "=" * (-len(state) % 4))
    except ValueError:
        raise ProviderRefused() from None
    begun = ceremonies.finish(conn, Ceremony.PROVIDER, secret, now)
    if begun is None:
        raise ProviderRefused()
    return Begun(**begun[1])


def discover(settings: Settings) -> dict[str, Any]:
    """What the provider says of itself (OpenID Connect Discovery); raises `ProviderAway`."""
    issuer = settings.oidc_issuer.rstrip("/")
    found = _json(lambda http: http.get(f"{issuer}/.well-known/openid-configuration"))
    if str(found.get("issuer", "")).rstrip("/") != issuer or not {"authorization_endpoint", "token_endpoint"} <= set(
        found
    ):
        raise ProviderAway()
    return found


def redeem(settings: Settings, code: str, back: str, begun: Begun, now: datetime) -> Meant:
    """Whom the provider signed in, for the code that it sent; raises `ProviderAway` or `ProviderRefused`."""
    says = discover(settings)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "code_verifier": begun.verifier,
        "client_id": settings.oidc_client_id,
    }
    basic: tuple[str, str] | None = None
    if "client_secret_basic" in says.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
        basic = (quote(settings.oidc_client_id, safe=""), quote(settings.oidc_client_secret, safe=""))
    else:
        form["client_secret"] = settings.oidc_client_secret
    answer = _json(lambda http: http.post(says["token_endpoint"], data=form, auth=basic))
    claims = _claims(settings, says, str(answer.get("id_token", "")), begun.nonce, now)
    if "email" not in claims and "userinfo_endpoint" in says:
        bearer = {"Authorization": f"Bearer {answer.get('access_token', '')}"}
        more = _json(lambda http: http.get(says["userinfo_endpoint"], headers=bearer))
        claims |= more if more.get("sub") == claims["sub"] else {}
    return Meant(
        issuer=says["issuer"],
        subject=claims["sub"],
        email=claims.get("email"),
        verified=claims.get("email_verified") is True,
        onward=begun.onward,
    )


def person_meant(conn: Connection, meant: Meant, now: datetime) -> UUID | None:
    """Whom of our people the provider means: at first by their verified e-mail address, from then on by its subject.

    None, written to the audit, when there is nobody; a door commits that and raises `NobodyMeant`.
    """
    identity: dict[str, Any] = {"issuer": meant.issuer, "subject": meant.subject, "now": now}
    row = conn.execute(SQL["person_of_identity"], identity).fetchone()
    if row is not None:
        may = conn.execute(SQL["comes_in"], {"person_id": row[0], "now": now}).fetchone()
        found: UUID | None = row[0] if may == (True,) else None
    else:
        found = None
        if meant.verified and meant.email:
            row = conn.execute(SQL["person_to_reset"], {"email": meant.email, "now": now}).fetchone()
            found = row[0] if row else None
        if found is not None:
            conn.execute(SQL["link_identity"], identity | {"person_id": found})
            viewer = Viewer(found, None, frozenset())
            audit.record(conn, "provider.linked", viewer=viewer, subject=f"person:{found}", now=now)
    if found is None:
        audit.record(conn, "sign_in.refused", viewer=ANONYMOUS, subject="person", now=now, detail={"by": "provider"})
    return found


def _claims(settings: Settings, says: dict[str, Any], token: str, nonce: str, now: datetime) -> dict[str, Any]:
    """What the ID token says, once its signature, issuer, audience, nonce and times are right."""
    keys = _json(lambda http: http.get(says["jwks_uri"]))
    try:
        claims = jwt.decode(token, KeySet.import_key_set(keys), algorithms=list(ALGORITHMS)).claims  # type: ignore[arg-type]  # checked by joserfc as it imports
        jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=CLOCK_SECONDS,
            iss={"essential": True, "value": says["issuer"]},
            aud={"essential": True, "value": settings.oidc_client_id},
            sub={"essential": True},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(claims)
    except (JoseError, ValueError, TypeError, KeyError):
        raise ProviderRefused() from None
    if claims.get("azp", settings.oidc_client_id) != settings.oidc_client_id:
        raise ProviderRefused()
    return dict(claims)


def _json(ask: Any) -> dict[str, Any]:
    try:
        with httpx2.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as http:
            answer = ask(http)
        found = answer.json()
    except (httpx2.HTTPError, ValueError):
        raise ProviderAway() from None
    if answer.status_code >= 500 or not isinstance(found, dict):
        raise ProviderAway()
    if answer.status_code >= 400:
        raise ProviderRefused()
    return found
