"""How people, and what they may do, look in messages."""

from __future__ import annotations

from media.core.rooms import Member
from signalling import messages
from signalling.publishing import SOURCE_GRANT
from signalling.tokens import Join


def participant(member: Member) -> messages.Participant:
    """Somebody who is in."""
    muted: dict[messages.SourceName, bool] = {}
    for track in member.tracks:
        muted[track.source] = track.muted
    states = [messages.SourceState(source, is_muted) for source, is_muted in muted.items()]
    return messages.Participant(member.id, member.name, member.role, member.label, states)


def outside(join: Join) -> messages.Participant:
    """Somebody who waits."""
    return messages.Participant(join.participant, join.name, join.role, join.label)


def rights(join: Join) -> messages.Rights:
    """What somebody who is in may do."""
    return messages.Rights(
        publish=[source for source, grant in SOURCE_GRANT.items() if grant in join.grants.publish],
        subscribe=join.grants.subscribe,
        moderate=join.grants.moderate,
    )


NOTHING = messages.Rights(publish=[], subscribe=False, moderate=False)
"""What somebody who waits may do."""
