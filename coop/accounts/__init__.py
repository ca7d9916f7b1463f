"""How people come in: invited, with a password, a passkey or a provider's word, once or twice proved; and out again."""

from coop.accounts.invitations import Invitation, invite, invite_again

__all__ = ["Invitation", "invite", "invite_again"]
