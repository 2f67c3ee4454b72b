"""WHIP and WHEP with aiortc's RTCPeerConnection: somebody else's WebRTC, which encodes a known picture and tone and
decodes what it is sent.

Low load: aiortc encodes and decodes in threads of this process.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import numpy as np
from aiohttp import ClientSession
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack
from av import AudioFrame, VideoFrame

WIDTH, HEIGHT = 640, 360
TONE_HZ = 500
BRIGHT, DARK = 200, 50
WAIT_S = 15.0


class Picture(VideoStreamTrack):
    """A bright band that walks down a dark picture, 30 times a second."""

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()
        luma = np.full((HEIGHT * 3 // 2, WIDTH), DARK, np.uint8)
        luma[HEIGHT:] = 128  # no colour
        top = pts // 3000 * 4 % (HEIGHT - 90)
        luma[top : top + 90] = BRIGHT
        frame = VideoFrame.from_ndarray(luma, format="yuv420p")
        frame.pts, frame.time_base = pts, time_base
        return frame


class Tone(AudioStreamTrack):
    async def recv(self) -> AudioFrame:
        frame = cast(AudioFrame, await super().recv())
        assert frame.pts is not None
        at = (frame.pts + np.arange(frame.samples)) / frame.sample_rate
        frame.planes[0].update((8000 * np.sin(2 * np.pi * TONE_HZ * at)).astype(np.int16).tobytes())
        return frame


class Peer:
    """One connection: start(), then tracks of others, then delete() or close()."""

    def __init__(self, http: ClientSession, kind: str, room: str, token: str) -> None:
        self._http, self._kind, self._room = http, kind, room
        self.headers = {"Authorization": f"Bearer {token}"}
        configuration = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        self.pc = RTCPeerConnection(configuration)
        self.tracks: dict[str, MediaStreamTrack] = {}
        self.location = ""
        self.answer = ""
        self._changed = asyncio.Event()
        self.pc.on("connectionstatechange", self._changed.set)
        self.pc.on("track", lambda track: self.tracks.setdefault(track.kind, track))

    def send(self, *, codec: str = "VP8") -> None:
        """Publish the picture and the tone."""
        self.pc.addTransceiver(Tone(), direction="sendonly")
        video = self.pc.addTransceiver(Picture(), direction="sendonly")
        known = RTCRtpSender.getCapabilities("video").codecs
        video.setCodecPreferences([each for each in known if each.mimeType in (f"video/{codec}", "video/rtx")])

    def receive(self) -> None:
        for kind in ("audio", "video"):
            self.pc.addTransceiver(kind, direction="recvonly")

    async def start(self) -> None:
        """POST, and wait for ICE and DTLS."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        headers = {**self.headers, "Content-Type": "application/sdp"}
        path = f"/{self._kind}/{self._room}"
        async with self._http.post(path, data=self.pc.localDescription.sdp, headers=headers) as response:
            self.answer = await response.text()
            assert response.status == 201, self.answer
            self.location = response.headers["Location"]
        await self.pc.setRemoteDescription(RTCSessionDescription(self.answer, "answer"))
        await self.until("connected")

    async def until(self, state: str) -> None:
        async with asyncio.timeout(WAIT_S):
            while self.pc.connectionState != state:
                self._changed.clear()
                await self._changed.wait()

    async def delete(self) -> None:
        async with self._http.delete(self.location, headers=self.headers) as response:
            assert response.status == 200, await response.text()

    # -- what arrives ----------------------------------------------------------------------------------

    async def picture(self) -> VideoFrame:
        return cast(VideoFrame, await self.tracks["video"].recv())

    async def frames_per_s(self, frames: int = 40) -> float:
        """Of the next frames, decoded.  Each is one of Picture's, in its size."""
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        for _ in range(frames):
            check_picture(await self.picture())
        return frames / (loop.time() - start_s)

    async def sees(self, fps: float = 20) -> None:
        """Until frames come that fast; the first are on their way while aiortc's jitter buffer settles."""
        async with asyncio.timeout(WAIT_S):
            check_picture(await self.picture())
            while await self.frames_per_s() < fps:
                pass

    async def hears(self) -> None:
        """Until a fifth of a second in one piece is the tone, and loud."""
        async with asyncio.timeout(WAIT_S):
            while True:
                frames = [cast(AudioFrame, await self.tracks["audio"].recv()) for _ in range(10)]
                left = np.concatenate([frame.to_ndarray().reshape(-1)[::2] for frame in frames]).astype(float)
                spectrum = np.abs(np.fft.rfft(left))
                loudest_hz = int(spectrum.argmax()) * frames[0].sample_rate / len(left)
                if np.sqrt(np.mean(left**2)) > 2000 and abs(loudest_hz - TONE_HZ) < 10:
                    return

    async def hears_the_end(self) -> None:
        """Until both streams said goodbye (RTCP BYE, at which aiortc ends a track); the connection stays."""
        async with asyncio.timeout(WAIT_S):
            for kind in ("video", "audio"):
                with contextlib.suppress(MediaStreamError):
                    while True:
                        await self.tracks[kind].recv()  # what was in the buffers is shown first
        assert self.pc.connectionState == "connected"

    async def ended(self) -> None:
        """Until the connection is closed by the server, and with it the picture."""
        await self.until("closed")
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    await self.picture()
                except MediaStreamError:
                    return


def check_picture(frame: VideoFrame) -> None:
    assert (frame.width, frame.height) == (WIDTH, HEIGHT)
    rows = frame.to_ndarray(format="gray").mean(axis=1)
    assert rows.max() > BRIGHT - 40, "the band"
    assert np.median(rows) < DARK + 40, "on dark ground"


@asynccontextmanager
async def peer(http: ClientSession, kind: str, room: str, token: str) -> AsyncIterator[Peer]:
    made = Peer(http, kind, room, token)
    try:
        yield made
    finally:
        await made.pc.close()
