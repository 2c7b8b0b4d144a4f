"""What our server is compared with: relays that do nothing but pass a model's tokens on to WebSockets.

`python -m tests.benchmarks.streams.relays KIND MODEL_URL` prints its port. `helper` is a Starlette application around
the official package's stream helper, as its documentation shows it; `bare` is the `websockets` package around a raw
socket, with the least that can be done to find the text.
"""

import asyncio
import json
import socket
import sys
from urllib.parse import urlsplit

import anthropic
import msgspec
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

DONE = '{"done":true}'


def helper(model_url: str) -> Starlette:
    client = anthropic.AsyncAnthropic(api_key="none", base_url=model_url)

    async def relay(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                question = await websocket.receive_text()
                async with client.messages.stream(
                    model="claude", max_tokens=1000, messages=[{"role": "user", "content": question}]
                ) as stream:
                    async for text in stream.text_stream:
                        await websocket.send_text(json.dumps({"content": text}))
                await websocket.send_text(DONE)
        except WebSocketDisconnect:
            return

    return Starlette(routes=[WebSocketRoute("/ws", relay)])


async def bare(model_url: str) -> None:
    parts = urlsplit(model_url)

    async def relay(websocket: ServerConnection) -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            async for question in websocket:
                body = json.dumps({"messages": [{"role": "user", "content": question}]}).encode()
                writer.write(b"POST /v1/messages HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
                while True:
                    line = await reader.readline()
                    if line.startswith(b"data:") and b"text_delta" in line:
                        text = msgspec.json.decode(line[5:])["delta"]["text"]
                        await websocket.send(json.dumps({"content": text}))
                    elif b"message_stop" in line:
                        await websocket.send(DONE)
                        break
                # The rest of the chunked body.
                await reader.readuntil(b"0\r\n\r\n")
        except ConnectionClosed:
            return
        finally:
            writer.close()

    async with serve(relay, "127.0.0.1", 0, compression=None, backlog=4096) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await server.serve_forever()


def main_helper(model_url: str) -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(
        helper(model_url), log_level="error", ws="websockets-sansio", ws_per_message_deflate=False, loop="uvloop"
    )
    uvicorn.Server(config).run([listening])


if __name__ == "__main__":
    kind, url = sys.argv[1:]
    if kind == "helper":
        main_helper(url)
    else:
        uvloop.run(bare(url))
