"""Introduction: what a client asks about itself and says of itself, answered for its session. Pure but for mail."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET, Struct

from arqonbus.actor import Ref
from arqonbus.protocol.payloads import Empty, Membership, WhoamiResult, merge_profile
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.mail import Answer, ProfileChanged, RegistryMail, SetProfile, SetWill, WhoAmI
from arqonbus.security.gate import Gate

__all__ = ["introduce"]


def introduce(
    mail: WhoAmI | SetProfile | SetWill,
    card: ClientCard,
    memberships: tuple[tuple[str, str], ...],
    groups: Mapping[tuple[str, str], str],
    gate: Gate,
    registry: Ref[RegistryMail],
) -> Answer:
    """Do what ``mail`` says and make its answer.

    Args:
        mail: a command of the client.
        card: the client's own, to be written.
        memberships: (room, channel): where others see its profile.
        groups: membership -> the group that it is in.
        gate: knows what the client may do.
        registry: is told of a new profile, for those who watch.
    """
    match mail:
        case WhoAmI():
            return Answer(mail.request_id, _who(card, memberships, groups, gate))
        case SetProfile():
            before, card.profile = card.profile, merge_profile(card.profile, mail.profile)
            if card.profile != before and memberships:
                rooms = tuple(dict.fromkeys(room for room, _ in memberships))
                registry.tell_past_bound(ProfileChanged(card, rooms))
            return Answer(mail.request_id, card.profile)
        case SetWill():
            card.will = mail.will
            return Answer(mail.request_id, Empty())


def _who(
    card: ClientCard, memberships: tuple[tuple[str, str], ...], groups: Mapping[tuple[str, str], str], gate: Gate
) -> Struct:
    identity = card.identity
    places = tuple(Membership(*place, groups.get(place, UNSET)) for place in memberships)
    permissions = tuple(action.value for action in gate.permissions(identity))
    return WhoamiResult(identity.client, identity.user, card.profile, places, permissions)
