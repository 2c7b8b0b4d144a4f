"""A board that serves its feed as fast as it is read, in a process of its own: `python -m tests.benchmarks.feed_board`.

The first line it prints is its port. `/googlefeed.xml` is made while it is sent: so many items of about so many bytes.
"""

import asyncio
import sys

HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>'
    b"<title>Careers</title>"
)
SENTENCE = "You plan the work of a small team, talk with clients and write down what was decided. "


def item(number: int, port: int, size_bytes: int) -> bytes:
    words = f"&lt;p&gt;Posting {number}. " + SENTENCE * (size_bytes // len(SENTENCE)) + "&lt;/p&gt;"
    return (
        f"<item><title>Consultant {number} (Pune, IN)</title>"
        f"<link>http://127.0.0.1:{port}/job/Pune-Consultant/{100_000 + number}/</link>"
        f"<description>{words}</description><guid>{100_000 + number}</guid><g:location>Pune, IN</g:location>"
        "<pubDate>Tue, 18 Aug 2026 00:00:00 GMT</pubDate></item>"
    ).encode()


async def main() -> None:
    postings, size_bytes, first = (int(argument) for argument in sys.argv[1:4])
    counts = [first]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = writer.get_extra_info("sockname")[1]
        request = await reader.readuntil(b"\r\n\r\n")
        path = request.split(b" ")[1]
        if path.startswith(b"/googlefeed.xml"):
            # The first reading has some of the postings, each later one all of them.
            shown = counts.pop(0) if counts else postings
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nConnection: close\r\n\r\n" + HEAD)
            for number in range(shown):
                writer.write(item(number, port, size_bytes))
                await writer.drain()
            writer.write(b"</channel></rss>")
        else:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
