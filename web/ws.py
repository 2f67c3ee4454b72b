"""GET /ws: the WebSocket protocol of signalling/PROTOCOL.md.  Text frames in and out; the hub decides."""

from __future__ import annotations

from aiohttp import WSCloseCode, WSMsgType, web

from signalling.messages import MESSAGE_MAX
from web.keys import HUB, MEDIA, PUMP, UNIX_TIME
from web.middlewares import log_failure
from web.origin import check_origin

HEARTBEAT_S = 15.0  # a phone that vanished is noticed within two beats; NATs keep the path open for 30 s
FRAME_MAX = 2 * MESSAGE_MAX
"""What is over MESSAGE_MAX is read and answered by the hub; what is far over it is not worth the memory (1009)."""


async def ws(request: web.Request) -> web.WebSocketResponse:
    """Speak the protocol until either side closes.  403: the page comes from another origin.  426: no WebSocket."""
    check_origin(request)
    # Uncompressed: zlib keeps some 300 kB for a connection, and secrets beside a stranger's text are better not packed.
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=FRAME_MAX, compress=False)
    if not socket.can_prepare(request).ok:
        raise web.HTTPUpgradeRequired(headers={"Upgrade": "websocket", "Connection": "Upgrade"})
    await socket.prepare(request)
    transport = request.transport
    if transport is None:
        return socket  # gone before the first word
    hub, media, pump = request.app[HUB], request.app[MEDIA], request.app[PUMP]
    connection = hub.connect(media.now_us())
    pump.open(connection, socket, transport.abort)
    try:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                await socket.close(code=WSCloseCode.UNSUPPORTED_DATA)
                break
            try:
                hub.receive(connection, message.data, media.now_us(), request.app[UNIX_TIME]())
            except Exception:
                log_failure(request)  # the hub has ended this connection, and the pump is about to say so
            pump.flush()
    finally:
        hub.socket_lost(connection, media.now_us())
        pump.flush()
        await pump.close(connection)
    return socket
