import { useEffect, useState } from "preact/hooks";
import { type Fetched, fetchJson } from "../feed/api-client.ts";

const RETRY_MS = 2_000;

/**
 * What the API says under `path`, asked again whenever `version` is another object: the model's
 * view of the same thing, which a delta replaces. Keeps the last answer meanwhile.
 */
export function useDetail<T>(path: string, version: unknown): Fetched<T> | null {
  const [answer, setAnswer] = useState<{ path: string; fetched: Fetched<T> } | null>(null);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    let retry: ReturnType<typeof setTimeout> | undefined;
    void fetchJson<T>(path, abort.signal).then((fetched) => {
      if (abort.signal.aborted) return;
      setAnswer((before) => keepGood(before, { path, fetched }));
      if (!fetched.ok && fetched.error.code !== "not_found") {
        retry = setTimeout(() => setAttempt((count) => count + 1), RETRY_MS);
      }
    });
    return () => {
      abort.abort();
      clearTimeout(retry);
    };
  }, [path, version, attempt]);
  return answer?.path === path ? answer.fetched : null;
}

interface Answer<T> {
  readonly path: string;
  readonly fetched: Fetched<T>;
}

/** A passing failure does not take away what is already shown. */
function keepGood<T>(before: Answer<T> | null, after: Answer<T>): Answer<T> {
  const isPassing = !after.fetched.ok && after.fetched.error.code !== "not_found";
  return isPassing && before?.path === after.path && before.fetched.ok ? before : after;
}
