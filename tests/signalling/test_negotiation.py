"""What is taken of an offer and what is offered: codecs, feedback, header extensions, one meaning per payload type."""

from __future__ import annotations

import re

import pytest

from media.core.model import (
    URI_ABS_SEND_TIME,
    URI_AUDIO_LEVEL,
    URI_MID,
    URI_TRANSPORT_CC,
    URI_VIDEO_ORIENTATION,
    Outgoing,
    SubscriptionId,
)
from signalling.negotiation import (
    OFFERED,
    OFFERED_EXTENSIONS,
    VIDEO_PREFERENCE,
    answer,
    answered_spec,
    choose,
    offered_spec,
    receive_spec,
    sending_lines,
)
from signalling.sdp import Ours, Section, parse
from tests.support.sdp import Browser, camera, chromium, firefox, lines_of, microphone, parts_of

OURS = Ours("ufrag", "p" * 24, ("sha-256", "AA:BB"), ("1 1 udp 1 192.0.2.10 7881 typ host",), "passive")


def section(*lines: str, kind: str = "video", types: str = "96 97") -> Section:
    head = ("v=0", f"m={kind} 9 UDP/TLS/RTP/SAVPF {types}", "a=mid:0")
    return parse("\n".join([*head, *lines])).sections[0]


@pytest.mark.parametrize(
    ("browser", "preference", "codec", "payload_type", "rtx"),
    [
        (chromium, VIDEO_PREFERENCE, "VP8", 96, 97),
        (chromium, ("H264", "VP8"), "H264", 102, 103),
        (chromium, ("VP9",), "VP9", 98, 99),
        (chromium, ("AV1", "VP8"), "AV1", 45, 46),
        (firefox, VIDEO_PREFERENCE, "VP8", 120, 124),
        (firefox, ("H264", "VP9"), "VP9", 121, 125),
        (firefox, ("AV1",), "AV1", 99, 100),
    ],
)
def test_a_codec_of_a_browser_by_our_preference(
    browser: Browser, preference: tuple[str, ...], codec: str, payload_type: int, rtx: int
) -> None:
    chosen = choose(parse(browser([camera()])).sections[0], preference)
    assert chosen is not None
    assert (chosen.codec.name, chosen.payload_type, chosen.rtx_payload_type) == (codec, payload_type, rtx)


@pytest.mark.parametrize(
    ("rtpmap", "fmtp", "usable"),
    [
        ("VP8/90000", "", True),
        ("vp8/90000", "max-fs=12288", True),
        ("VP8/0", "", False),
        ("VP8/8000", "", False),
        ("VP8/90000/2", "", False),
        ("VP9/90000", "", True),
        ("VP9/90000", "profile-id=0", True),
        ("VP9/90000", "profile-id=2", False),
        ("AV1/90000", "level-idx=5;profile=0", True),
        ("AV1/90000", "profile=1", False),
        ("H264/90000", "packetization-mode=1;profile-level-id=42001f", True),
        ("H264/90000", "profile-level-id=42E01F; packetization-mode=1", True),
        ("H264/90000", "packetization-mode=0;profile-level-id=42e01f", False),
        ("H264/90000", "packetization-mode=1;profile-level-id=64001f", False),
        ("H264/90000", "", False),
        ("H265/90000", "", False),
        ("red/90000", "", False),
        ("rtx/90000", "apt=97", False),
    ],
)
def test_what_every_viewer_can_decode(rtpmap: str, fmtp: str, usable: bool) -> None:
    lines = [f"a=rtpmap:96 {rtpmap}", *([f"a=fmtp:96 {fmtp}"] if fmtp else [])]
    assert (choose(section(*lines)) is not None) == usable


@pytest.mark.parametrize(("rtpmap", "usable"), [("opus/48000/2", True), ("opus/48000", False), ("PCMU/8000", False)])
def test_audio_is_opus(rtpmap: str, usable: bool) -> None:
    assert (choose(section(f"a=rtpmap:96 {rtpmap}", kind="audio")) is not None) == usable


def test_a_codec_must_be_in_the_m_line() -> None:
    vp8 = "a=rtpmap:96 VP8/90000"
    assert choose(section(vp8, types="98")) is None
    chosen = choose(section(vp8, "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96", types="96"))
    assert chosen is not None and chosen.rtx_payload_type is None


@pytest.mark.parametrize("browser", [chromium, firefox])
def test_what_a_browsers_camera_will_send(browser: Browser) -> None:
    offered = parse(browser([camera()])).sections[0]
    chosen = choose(offered)
    assert chosen is not None
    spec = receive_spec(offered, "camera", chosen)
    assert (spec.ssrc, spec.rtx_ssrc) == (1875618269, 1875618270)
    assert spec.nack and spec.pli and spec.transport_cc
    assert spec.extensions[URI_MID] == offered.extensions[URI_MID]
    assert spec.extensions[URI_TRANSPORT_CC] == offered.extensions[URI_TRANSPORT_CC]
    assert spec.extensions.keys() <= {URI_MID, URI_TRANSPORT_CC, URI_VIDEO_ORIENTATION}, "none that nobody here reads"


def test_extension_ids_that_do_not_fit_one_byte_are_left_out() -> None:
    lines = [
        f"a=extmap:{number} {uri}" for number, uri in ((0, URI_MID), (15, URI_TRANSPORT_CC), (14, URI_AUDIO_LEVEL))
    ]
    offered = section("a=rtpmap:96 opus/48000/2", *lines, kind="audio")
    chosen = choose(offered)
    assert chosen is not None
    assert receive_spec(offered, "microphone", chosen).extensions == {URI_AUDIO_LEVEL: 14}


@pytest.mark.parametrize("browser", [chromium, firefox])
def test_an_answer_echoes_the_browsers_numbers(browser: Browser) -> None:
    text = browser([microphone(), camera()])
    offer = parse(text)
    answered = answer(offer, {"0", "1"}, VIDEO_PREFERENCE, OURS, 7, 2)
    assert [part[:3] for part in parts_of(answered)] == [("0", "audio", "recvonly"), ("1", "video", "recvonly")]
    for mid in ("0", "1"):
        mine, theirs = lines_of(answered, mid), lines_of(text, mid)
        for line in mine:
            if line.startswith(("a=extmap:", "a=rtpmap:", "a=rtcp-fb:")):
                assert line in theirs, line
        assert "a=rtcp-mux" in mine and "a=setup:passive" in mine
    assert "a=group:BUNDLE 0 1\r\n" in answered and "a=ice-lite\r\n" in answered
    assert {"a=rtcp-fb:96 nack", "a=rtcp-fb:120 nack"} & set(lines_of(answered, "1"))
    assert "goog-remb" not in answered, "a publisher's estimate comes from transport-wide feedback"


def test_an_answer_of_nothing_names_an_empty_bundle() -> None:
    text = "v=0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=rtpmap:0 PCMU/8000\r\n"
    answered = answer(parse(text), set(), VIDEO_PREFERENCE, OURS, 1, 1)
    assert parts_of(answered) == [("0", "audio", "refused", "PCMU")]
    assert "a=group:BUNDLE\r\n" in answered


def test_sections_beside_media_are_refused_in_their_place() -> None:
    text = chromium([microphone()]) + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n"
    answered = answer(parse(text), {"0"}, VIDEO_PREFERENCE, OURS, 1, 1)
    assert [part[:3] for part in parts_of(answered)] == [("0", "audio", "recvonly"), ("1", "application", "refused")]


def offered_section(name: str, mid: str) -> list[str]:
    kind = "audio" if name == "OPUS" else "video"
    out = Outgoing(SubscriptionId(1), 5, 6 if kind == "video" else None, "c")
    spec = offered_spec(kind, name, mid)  # type: ignore[arg-type]
    return sending_lines(kind, OFFERED[name].codec, spec, out, "s", OURS, "UDP/TLS/RTP/SAVPF")  # type: ignore[arg-type]


def test_a_payload_type_means_one_thing_in_all_that_we_offer() -> None:
    """RFC 8843 9.1, whoever published with what parameters."""
    meanings: dict[str, set[tuple[str, ...]]] = {}
    for name in OFFERED:
        lines = offered_section(name, "0")
        for number in lines[0].split()[3:]:
            meaning = tuple(line for line in lines if re.match(rf"a=(rtpmap|fmtp|rtcp-fb):{number} ", line))
            meanings.setdefault(number, set()).add(meaning)
    assert len(meanings) == 9
    assert all(len(each) == 1 for each in meanings.values())


def test_an_extension_id_means_one_thing_in_all_that_we_offer() -> None:
    uris: dict[int, set[str]] = {}
    for ids in OFFERED_EXTENSIONS.values():
        for uri, number in ids.items():
            uris.setdefault(number, set()).add(uri)
    assert all(len(each) == 1 for each in uris.values())


def test_what_we_offer_is_what_we_take() -> None:
    """So that two of our own servers could meet; and no codec is offered that would be refused."""
    for name in OFFERED:
        kind = "audio" if name == "OPUS" else "video"
        lines = offered_section(name, "0")
        read = section(*lines[1:], kind=kind, types=" ".join(lines[0].split()[3:]))
        chosen = choose(read, (name,))
        assert chosen is not None and chosen.payload_type == OFFERED[name].payload_type


@pytest.mark.parametrize(
    ("lines", "types", "expected"),
    [
        (("a=recvonly", f"a=extmap:1 {URI_MID}"), "96 97", (97, True, {URI_MID: 1})),
        (("a=recvonly",), "96", (None, False, {})),
        (
            ("a=sendrecv", f"a=extmap:2 {URI_ABS_SEND_TIME}", f"a=extmap:9 {URI_MID}"),
            "97 96",
            (97, True, {URI_ABS_SEND_TIME: 2}),
        ),
        (("a=inactive",), "96 97", None),
        (("a=sendonly",), "96 97", None),
        (("a=recvonly",), "98 99", None),
    ],
)
def test_what_an_answer_leaves_of_an_offer(
    lines: tuple[str, ...], types: str, expected: tuple[int | None, bool, dict[str, int]] | None
) -> None:
    spec = answered_spec(offered_spec("video", "VP8", "0"), section(*lines, types=types))
    if expected is None:
        assert spec is None
    else:
        assert spec is not None
        assert (spec.rtx_payload_type, spec.nack, spec.extensions) == expected


def test_a_refused_section_is_not_sent() -> None:
    refused = parse("v=0\nm=video 0 UDP/TLS/RTP/SAVPF 96\na=mid:0\n").sections[0]
    assert answered_spec(offered_spec("video", "VP8", "0"), refused) is None
