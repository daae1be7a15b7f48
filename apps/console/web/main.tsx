import { render } from "preact";
import { FEED_PATH } from "@berth/protocol";
import { browserSocket } from "./feed/browser-socket.ts";
import { ConsoleStore } from "./feed/console-store.ts";
import { FeedClient } from "./feed/feed-client.ts";
import { App } from "./ui/app.tsx";
import { StoreContext } from "./ui/store-context.ts";

const TICK_MS = 200;

const store = new ConsoleStore(() => ({ ms: performance.now(), unixMs: Date.now() }));
const client = new FeedClient(
  {
    openSocket: () => browserSocket(`${location.origin.replace(/^http/, "ws")}${FEED_PATH}`),
    nowMs: () => performance.now(),
    after(delayMs, run) {
      const timeout = setTimeout(run, delayMs);
      return () => clearTimeout(timeout);
    },
    random: () => Math.random(),
  },
  store,
);

const followHash = () => {
  store.navigate(location.hash);
};
window.addEventListener("hashchange", followHash);
window.addEventListener("online", () => client.hurry());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) client.hurry();
});
followHash();
setInterval(() => store.tick(), TICK_MS);
client.start();

const root = document.getElementById("app");
if (root !== null) {
  render(
    <StoreContext.Provider value={store}>
      <App />
    </StoreContext.Provider>,
    root,
  );
}
