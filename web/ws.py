"""GET /ws: the WebSocket protocol of signalling/PROTOCOL.md.  Text frames in and out; the hub decides."""

from __future__ import annotations

from aiohttp import WSMsgType, web

from signalling.messages import MESSAGE_MAX
from web.keys import HUB, MEDIA, PUMP, UNIX_TIME
from web.origin import check_origin

HEARTBEAT_S = 15.0  # a phone that vanished is noticed within two beats; NATs keep the path open for 30 s


async def ws(request: web.Request) -> web.WebSocketResponse:
    """Speak the protocol until either side closes.  403: the page comes from another origin."""
    check_origin(request)
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=MESSAGE_MAX + 1, autoclose=True)
    await socket.prepare(request)
    transport = request.transport
    if transport is None:
        return socket  # gone before the first word
    hub, media, pump = request.app[HUB], request.app[MEDIA], request.app[PUMP]
    connection = hub.connect(media.now_us())
    pump.open(connection, socket, transport.abort)
    try:
        async for message in socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                break
            hub.receive(connection, message.data, media.now_us(), request.app[UNIX_TIME]())
            pump.flush()
    finally:
        hub.socket_lost(connection, media.now_us())
        pump.flush()
        await pump.close(connection)
    return socket
