"""How the formal acts of an appointment stand, in a few words: whether its citizen is identified, whether he paid."""

from __future__ import annotations

from balie.i18n import gettext as _
from balie.record.guided import Guided
from web.citizen.words import and_words
from web.desk import act_words


def told(found: Guided) -> list[tuple[str, str]]:
    """Each with how a page marks it (good, slow or nothing); of what its products do not ask, nothing."""
    return [each for each in (_identity(found), _payment(found)) if each is not None]


def _identity(found: Guided) -> tuple[str, str] | None:
    proofs = [each for each in found.proofs if not each.void]
    asking = [each for each in found.items if each.identification == "oidc"]
    if found.proof is not None and found.proof.doubtful:
        return _("geïdentificeerd: de naam wijkt af"), "slow"
    if found.proof is not None and not any(found.unproved(each.id) for each in asking):
        return _("geïdentificeerd"), "good"
    if proofs and proofs[-1].state == "started":
        return _("identificeert zich nu"), ""
    return (_("nog niet geïdentificeerd"), "") if proofs or asking else None


def _payment(found: Guided) -> tuple[str, str] | None:
    """What is still to be paid comes first; then the latest payment of each product says how it stands."""
    latest = {each.product_id: each.state for each in found.paid}
    owed = bool(found.unpaid()) or any(found.owed_of(each.id) for each in found.items)
    if latest and not (owed and set(latest.values()) == {"paid"}):
        words = act_words.payment_states()
        states = and_words([words[each] for each in dict.fromkeys(latest.values())])
        return _("betaling: {state}").format(state=states), "good" if set(latest.values()) == {"paid"} else ""
    return (_("nog niet alles betaald") if latest else _("nog niet betaald"), "") if owed else None
