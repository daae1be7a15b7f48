import type { FeedSocket } from "./feed-client.ts";

/** A browser's WebSocket behind the few words of it that the feed client uses. */
export function browserSocket(url: string): FeedSocket {
  const native = new WebSocket(url);
  const socket: FeedSocket = {
    onopen: null,
    onmessage: null,
    onclose: null,
    send: (data) => native.send(data),
    close: () => native.close(),
  };
  native.onopen = () => socket.onopen?.();
  native.onmessage = (event) => socket.onmessage?.({ data: event.data });
  native.onclose = ({ code }) => socket.onclose?.({ code });
  return socket;
}
