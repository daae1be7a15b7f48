import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { LogTail, type LogTailState } from "../../feed/log-tail.ts";
import { formatCount } from "../../model/format.ts";
import { LogBuffer, logLimits } from "../../model/log-buffer.ts";
import { formatRoute } from "../../model/route.ts";

type Stream = "stdout" | "stderr";

interface LogViewProps {
  readonly allocation: string;
  readonly stream: Stream;
}

/** How near to its end the log must be scrolled to count as being at the end. */
const END_SLACK_PX = 24;

/** An allocation's output, live. */
export function LogView({ allocation, stream }: LogViewProps) {
  const [isPaused, setIsPaused] = useState(false);
  const [isAtEnd, setIsAtEnd] = useState(true);
  const { lines, droppedLines, state } = useLogTail(allocation, stream, isPaused);
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (isAtEnd && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  });
  const drawn = lines.slice(-logLimits.linesDrawnMax);
  const hidden = droppedLines + lines.length - drawn.length;
  return (
    <div class="log">
      <div class="log-bar">
        <StreamTabs allocation={allocation} stream={stream} />
        <LogStatus state={state} />
        <label class="toggle">
          <input
            type="checkbox"
            checked={isAtEnd}
            onChange={(event) => setIsAtEnd(event.currentTarget.checked)}
          />
          Follow
        </label>
        <button
          type="button"
          aria-pressed={isPaused}
          disabled={state.kind === "ended"}
          onClick={() => setIsPaused(!isPaused)}
        >
          {isPaused ? "Resume" : "Pause"}
        </button>
      </div>
      <div
        ref={box}
        class="log-lines"
        role="log"
        aria-live="off"
        aria-label={`${stream} of ${allocation}`}
        tabIndex={0}
        onScroll={(event) => {
          const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
          setIsAtEnd(scrollHeight - scrollTop - clientHeight < END_SLACK_PX);
        }}
      >
        {hidden > 0 ? <p class="log-gap">{formatCount(hidden)} older lines not shown</p> : null}
        {drawn.map((line) => (
          <p key={line.number} class={line.kind === "gap" ? "log-gap" : "log-line"}>
            {line.text === "" ? " " : line.text}
          </p>
        ))}
        {drawn.length === 0 && state.kind !== "loading" ? (
          <p class="log-empty">Nothing on {stream} yet</p>
        ) : null}
        {state.kind === "ended" ? <p class="log-gap">end of output</p> : null}
      </div>
    </div>
  );
}

/** The lines so far; a change of allocation or stream starts over. */
function useLogTail(allocation: string, stream: Stream, isPaused: boolean) {
  const buffer = useRef(new LogBuffer());
  const tail = useRef<LogTail | null>(null);
  const [state, setState] = useState<LogTailState>({ kind: "loading" });
  useEffect(() => {
    buffer.current = new LogBuffer();
    const created = new LogTail({
      allocation,
      stream,
      buffer: buffer.current,
      onChange: (next) => setState({ ...next }),
    });
    tail.current = created;
    return () => created.stop();
  }, [allocation, stream]);
  useEffect(() => {
    if (isPaused) tail.current?.pause();
    else tail.current?.resume();
  }, [allocation, stream, isPaused]);
  return { lines: buffer.current.lines(), droppedLines: buffer.current.droppedLines, state };
}

function StreamTabs({ allocation, stream }: LogViewProps) {
  return (
    <div class="tabs" role="group" aria-label="Stream">
      {(["stdout", "stderr"] as const).map((each) => (
        <a
          key={each}
          href={formatRoute({ page: "allocation", filter: "", id: allocation, stream: each })}
          aria-current={each === stream ? "true" : undefined}
        >
          {each}
        </a>
      ))}
    </div>
  );
}

function LogStatus({ state }: { state: LogTailState }) {
  const words = {
    loading: "loading",
    following: "following",
    paused: "paused",
    ended: "ended",
    failed: "not available",
  } as const;
  return (
    <p class={`log-status log-${state.kind}`}>
      {words[state.kind]}
      {state.kind === "failed" ? <span class="quiet">: {state.message}</span> : null}
    </p>
  );
}
