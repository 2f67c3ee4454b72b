"""Session descriptions: real ones are read in full, and anything else is refused with the line at fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.core.model import URI_AUDIO_LEVEL, URI_MID, URI_TRANSPORT_CC
from signalling.errors import SdpError
from signalling.fragments import parse_fragment
from signalling.sdp import FORMATS_MAX, LINE_MAX, SDP_MAX, SECTIONS_MAX, Setup, parse, peer_of
from tests.support import sdp
from tests.support.sdp import camera, certificate, chromium, firefox, microphone, screen

BROWSERS = pytest.mark.parametrize("browser", [chromium, firefox])
HEAD = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nt=0 0\n"
OFFER = chromium([microphone(), camera()])


def refusal(text: str, setups: Sequence[Setup] = ("actpass", "active")) -> SdpError:
    with pytest.raises(SdpError) as caught:
        peer_of(parse(text), setups)
    return caught.value


@BROWSERS
def test_a_browsers_offer(browser: sdp.Browser) -> None:
    offer = parse(browser([microphone(), camera(), screen(direction="inactive", ssrc=0)], ufrag="abcd", peer=3))
    audio, video, resting = offer.sections
    assert [section.kind for section in offer.sections] == ["audio", "video", "video"]
    assert [section.direction for section in offer.sections] == ["sendonly", "sendonly", "inactive"]
    assert offer.bundled == {"0", "1", "2"}
    assert not any(section.rejected for section in offer.sections)
    assert (audio.ssrcs, audio.retransmissions) == ([382666796], {})
    assert video.retransmissions == {1875618269: 1875618270}
    assert not resting.ssrcs
    assert {URI_MID, URI_AUDIO_LEVEL, URI_TRANSPORT_CC} <= audio.extensions.keys()
    opus = int(audio.formats[0])
    assert (audio.rtpmaps[opus].name, audio.rtpmaps[opus].clock_rate, audio.rtpmaps[opus].channels) == (
        "OPUS",
        48000,
        2,
    )
    vp8 = int(video.formats[0])
    assert {"nack", "nack pli", "transport-cc"} <= video.feedback[vp8]
    peer = peer_of(offer, ("actpass",))
    assert (peer.ufrag, peer.setup) == ("abcd", "actpass")
    assert peer.fingerprints == (("sha-256", certificate(3)),)


def test_line_ends_of_both_kinds() -> None:
    assert parse(OFFER) == parse(OFFER.replace("\r\n", "\n"))


def test_port_0_is_bundled_or_refused() -> None:
    """Firefox writes port 0 and a=bundle-only for every section but the first, in each of its offers."""
    offer = firefox([microphone(), camera()])
    assert "m=video 0 " in offer
    assert len(parse(offer).live()) == 2
    assert len(parse(offer.replace("a=bundle-only\r\n", "")).live()) == 1


def test_session_level_holds_for_all_sections() -> None:
    sections = parse(
        HEAD + "a=inactive\na=setup:active\nm=audio 9 RTP/SAVPF 0\nm=video 9 RTP/SAVPF 96\na=sendonly"
    ).sections
    assert [section.direction for section in sections] == ["inactive", "sendonly"]
    assert [section.setup for section in sections] == ["active", "active"]


def test_feedback_for_all_types_comes_before_or_after_them() -> None:
    section = parse(
        HEAD + "m=video 9 RTP/SAVPF 96 97\na=rtcp-fb:* nack\na=rtpmap:96 VP8/90000\na=rtcp-fb:96 nack pli\n"
    )
    assert section.sections[0].feedback == {96: {"nack", "nack pli"}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: expected 'v=0'"),
        ("hello", "line 1: expected 'v=0', found 'hello'"),
        ("v=1\r\n", "line 1"),
        (" v=0\r\n", "line 1"),
        (HEAD + "what\n", "line 5: expected printable 'x=value', found 'what'"),
        (HEAD + "a=x\0y\n", "line 5"),
        (HEAD + "a=fmtp:96 a\ra=candidate:1\n", "line 5"),
        (HEAD + "a=" + "x" * LINE_MAX + "\n", "line 5"),
        (HEAD + "m=video\n", "line 5: cannot be read: 'm=video'"),
        (HEAD + "m=video 9 RTP/SAVPF\n", "line 5"),
        (HEAD + "m=video 9 RTP/SAVPF  96\n", "line 5"),
        (HEAD + "m=video -1 RTP/SAVPF 96\n", "line 5"),
        (HEAD + "m=video 65536 RTP/SAVPF 96\n", "line 5"),
        (HEAD + "m=video 9 RTP/SAVPF 128\n", "line 5"),
        (HEAD + "m=video 9 RTP/SAVPF ²\n", "line 5"),
        (HEAD + "m=video 9 RTP/SAVPF 9_6\n", "line 5"),
        (HEAD + "m=vidéo 9 RTP/SAVPF 96\n", "line 5"),
        (HEAD + "m=video 9 RTP/SAVPF" + " 96" * (FORMATS_MAX + 1) + "\n", "line 5"),
        (HEAD + "m=video 9 RTP/SAVPF 96\n" * (SECTIONS_MAX + 1), f"more than {SECTIONS_MAX} m-sections"),
        (HEAD + "m=video 9 RTP/SAVPF 96\na=mid:\n", "line 6"),
        (HEAD + "m=video 9 RTP/SAVPF 96\na=mid:a b\n", "line 6"),
        (HEAD + "m=video 9 RTP/SAVPF 96\na=mid:" + "x" * 33 + "\n", "line 6"),
        (HEAD + "m=video 9 RTP/SAVPF 96\na=mid:0\n" * 2, "two m-sections have the same a=mid"),
        (HEAD + "m=video 9 RTP/SAVPF 96\na=rtpmap:96 VP8\n", "line 6"),
        (HEAD + "m=video 9 RTP/SAVPF 96\na=rtpmap:96 VP8/fast\n", "line 6"),
        (HEAD + "m=video 9 RTP/SAVPF 96\na=rtpmap:96 VP8/90000/-2\n", "line 6"),
        (HEAD + "m=video 9 RTP/SAVPF 96\na=rtpmap:96 VP8/" + "9" * 4000 + "\n", "line 6"),
        (HEAD + "m=video 9 RTP/SAVPF 96\na=fmtp:x y\n", "line 6"),
        (HEAD + "m=video 9 RTP/SAVPF 96\na=rtcp-fb:300 nack\n", "line 6"),
        (HEAD + "m=video 9 RTP/SAVPF 96\na=extmap:3\n", "line 6"),
        (HEAD + "m=video 9 RTP/SAVPF 96\na=ssrc:4294967296 cname:x\n", "line 6"),
        (HEAD + "m=video 9 RTP/SAVPF 96\na=ssrc-group:FID 1 x\n", "line 6"),
        (HEAD + "m=video 9 RTP/SAVPF 96\na=setup:holdconn\n", "line 6"),
        (HEAD + "m=video 9 RTP/SAVPF 96\na=fingerprint:sha-256\n", "line 6"),
        ("v=0\n" + "a=x\n" * (SDP_MAX // 4), f"{SDP_MAX} are allowed"),
    ],
    ids=lambda value: value[len(HEAD) :][:30] if value.startswith(HEAD) else value[:20],
)
def test_what_cannot_be_read_is_named(text: str, words: str) -> None:
    error = refusal(text)
    assert error.code == "bad_sdp"
    assert words in error.message
    assert len(error.message) < 120


def without(text: str, line: str) -> str:
    kept = "".join(each for each in text.splitlines(keepends=True) if not each.startswith(line))
    assert kept != text
    return kept


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda t: without(t, "a=ice-ufrag"), "bad_sdp", "a=ice-ufrag of 4 to 256"),
        (lambda t: without(t, "a=ice-pwd"), "bad_sdp", "a=ice-pwd of 22"),
        (lambda t: t.replace("a=ice-ufrag:vd9w", "a=ice-ufrag:vd9"), "bad_sdp", "a=ice-ufrag"),
        (lambda t: t.replace("a=ice-ufrag:vd9w", "a=ice-ufrag:" + "v" * 257), "bad_sdp", "a=ice-ufrag"),
        (lambda t: t.replace(sdp.PASSWORD, "p" * 257), "bad_sdp", "a=ice-pwd"),
        (lambda t: without(t, "a=mid:0"), "bad_sdp", "m=audio section has no a=mid"),
        (lambda t: without(t, "a=fingerprint"), "unsupported", "no a=fingerprint with sha-256"),
        (lambda t: t.replace("sha-256", "sha-1"), "unsupported", "no a=fingerprint"),
        (lambda t: without(t, "a=setup"), "unsupported", "no a=setup: the server is passive"),
        (lambda t: t.replace("setup:actpass", "setup:passive"), "unsupported", "a=setup:passive"),
        (lambda t: without(t, "a=rtcp-mux"), "unsupported", "section 0 has no a=rtcp-mux"),
        (lambda t: without(t, "a=group"), "unsupported", "section 0 is outside the BUNDLE group"),
        (lambda t: t.replace("BUNDLE 0 1", "BUNDLE 0"), "unsupported", "section 1 is outside"),
        (lambda t: t.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "unsupported", "RTP/AVP is not DTLS-SRTP"),
        (lambda t: t.replace("UDP/TLS/RTP/SAVPF", "Y" * 90), "unsupported", "YYY... is not DTLS-SRTP"),
        (lambda t: t.replace(" 9 UDP", " 0 UDP"), "unsupported", "no audio or video section"),
        (
            lambda _: HEAD + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:0\n",
            "unsupported",
            "data channels alone are not supported",
        ),
    ],
)
def test_what_we_do_not_do_is_said(change: Callable[[str], str], code: str, words: str) -> None:
    error = refusal(change(OFFER))
    assert error.code == code
    assert words in error.message


def test_an_answer_must_be_active() -> None:
    assert "takes active" in refusal(OFFER, ("active",)).message


def test_lists_of_one_section_are_bounded() -> None:
    """A page of one kind of line must not become a page of memory."""
    lines = "".join(f"a=ssrc:{n} cname:x\na=ssrc-group:FID {n} {n}\na=fingerprint:sha-256 {n}\n" for n in range(900))
    section = parse(HEAD + "m=video 9 RTP/SAVPF 96\n" + lines).sections[0]
    assert len(section.ssrcs) == len(section.retransmissions) == 16
    assert len(section.fingerprints) == 8


def reads_or_refuses(read: Callable[[str], object], text: str) -> None:
    try:
        read(text)
    except SdpError as error:
        assert error.code in ("bad_sdp", "unsupported")
        assert len(error.message) < 200 and error.message.isprintable()


def accepted(text: str) -> None:
    peer_of(parse(text), ("actpass", "active"))


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(max_size=400))
def test_any_text_is_a_description_or_a_refusal(text: str) -> None:
    """Invariant: parse() and peer_of() give a value or raise SdpError, whatever comes."""
    reads_or_refuses(accepted, text)
    reads_or_refuses(accepted, "v=0\n" + text)
    reads_or_refuses(parse_fragment, text)


LINES = sorted({line for offer in (OFFER, firefox([microphone(), camera()])) for line in offer.splitlines()})
NAMES = sorted({line.partition(":")[0] for line in LINES if line.startswith("a=")} | {"m=video", "m=audio"})
values = st.one_of(
    st.text(max_size=30),
    st.from_regex(r"[0-9²٣]{0,4} ?[a-zA-Z/:=;*-]{0,12}[ /]?[0-9]{0,12}", fullmatch=True),
)
odd_lines = st.one_of(
    st.sampled_from(LINES), st.builds("{}{}{}".format, st.sampled_from(NAMES), st.sampled_from([":", " "]), values)
)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(odd_lines, max_size=40))
def test_any_lines_are_a_description_or_a_refusal(lines: list[str]) -> None:
    """Invariant: the same, for lines that look right."""
    reads_or_refuses(accepted, HEAD + "\n".join(lines))


@settings(deadline=None)  # a busy machine is no failure
@given(st.data())
def test_a_damaged_offer_is_a_description_or_a_refusal(data: st.DataObject) -> None:
    """Invariant: the same, for offers with a piece taken out, doubled or overwritten."""
    start = data.draw(st.integers(0, len(OFFER)))
    end = data.draw(st.integers(start, min(len(OFFER), start + 80)))
    put = data.draw(st.one_of(st.just(""), st.just(OFFER[start:end] * 2), st.text(max_size=20)))
    reads_or_refuses(accepted, OFFER[:start] + put + OFFER[end:])


@pytest.mark.parametrize("text", ["audio", "x", "a=ice-ufrag:ab\0cd", "a=x\n" * 300])
def test_fragments_that_are_none(text: str) -> None:
    with pytest.raises(SdpError) as caught:
        parse_fragment(text)
    assert caught.value.code == "bad_sdp"
