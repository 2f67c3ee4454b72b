"""What a shared test found, in words for staff."""

from __future__ import annotations

from balie.i18n import gettext as _
from balie.visit.device_test import DeviceTest


def _devices(name: str) -> dict[str, str]:
    """Of a camera or a microphone; name is with its capital."""
    return {
        "denied": _("{device}: niet toegelaten in de browser").format(device=name),
        "system": _("{device}: geblokkeerd in de instellingen van het toestel").format(device=name),
        "dismissed": _("{device}: de vraag van de browser is weggeklikt").format(device=name),
        "missing": _("{device}: niet gevonden").format(device=name),
        "busy": _("{device}: in gebruik door een ander programma").format(device=name),
        "unfit": _("{device}: past niet").format(device=name),
        "failed": _("{device}: start niet").format(device=name),
        "insecure": _("{device}: niet toegelaten op deze pagina").format(device=name),
    }


def _parts() -> dict[str, dict[str, str]]:
    return {
        "browser": {
            "in_app": _("Browser: een venster in een andere app"),
            "old": _("Browser: te oud voor een videogesprek"),
        },
        "microphone": {"quiet": _("Microfoon: geen geluid opgevangen"), **_devices(_("Microfoon"))},
        "camera": _devices(_("Camera")),
        "speaker": {"unheard": _("Luidspreker: geen geluid gehoord")},
        "network": {
            "slow": _("Internet: traag"),
            "lossy": _("Internet: hapert"),
            "blocked": _("Internet: beeld en geluid worden tegengehouden"),
            "offline": _("Internet: geen verbinding met ons"),
        },
    }


def findings(test: DeviceTest) -> list[str]:
    """What does not work, each in a line; empty when all does."""
    parts = _parts()
    return [parts[part][code] for part, code in test.codes.items() if code in parts.get(part, {})]
