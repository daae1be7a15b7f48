import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import * as protocol from "../src/index.ts";

/**
 * What was once on the wire or in a log must be readable for ever. These files are never edited;
 * a new version of a message gets a new file.
 */
function golden(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), "utf8"));
}

const messages: Record<string, z.ZodType> = {
  AgentHello: protocol.AgentHello,
  AgentHelloReply: protocol.AgentHelloReply,
  AgentReport: protocol.AgentReport,
  AgentReportReply: protocol.AgentReportReply,
  DesiredRequest: protocol.DesiredRequest,
  DesiredReply: protocol.DesiredReply,
  DesiredDelta: protocol.DesiredDelta,
  AgentBeat: protocol.AgentBeat,
  AgentUsage: protocol.AgentUsage,
  LogsRequest: protocol.LogsRequest,
  LogsReply: protocol.LogsReply,
};

/** A field that no version knows, at every level: readers must pass over it. */
function withNews(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withNews);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, field]) => [key, withNews(field)]);
  const isRecord = "kind" in value || "type" in value || "v" in value || "state" in value;
  return Object.fromEntries(isRecord ? [...entries, ["fromTheFuture", 1]] : entries);
}

const entries = [golden("log-entry.v1"), golden("log-entry.v2")];

describe.each(entries.map((entry) => [entry]))("each version of the log", (entry) => {
  test("is read without a loss", () => {
    expect(protocol.LogEntry.parse(entry)).toMatchObject(entry as object);
  });

  test("may have fields that this reader does not know", () => {
    expect(protocol.LogEntry.parse(withNews(entry))).toEqual(protocol.LogEntry.parse(entry));
  });
});

test("there is an example of every kind of event", () => {
  const known = protocol.ClusterEvent.options.map(({ shape }) => shape.type.value);
  const seen = entries.flatMap((entry) =>
    protocol.LogEntry.parse(entry).events.map(({ type }) => type),
  );
  expect([...new Set(seen)].toSorted()).toEqual(known.toSorted());
});

test("version 1 of a snapshot's manifest is read without a loss, and with unknown fields", () => {
  const manifest = golden("snapshot.v1");
  expect(protocol.SnapshotManifest.parse(manifest)).toEqual(manifest);
  expect(protocol.SnapshotManifest.parse(withNews(manifest))).toEqual(manifest);
});

test("a description with everything that agents find is read without a loss", () => {
  const description = golden("node-description.v2");
  expect(protocol.NodeDescription.parse(description)).toEqual(description);
  expect(protocol.NodeDescription.parse(withNews(description))).toEqual(description);
});

describe("version 1 of the messages between agents and the leader", () => {
  const samples = Object.entries(golden("agent-messages.v1") as Record<string, unknown>);

  test.each(samples)("%s is read without a loss, and with unknown fields", (name, sample) => {
    const schema = messages[name];
    const read = schema?.parse(sample);
    expect(read).toMatchObject(sample as object); // and what was added since has its default
    expect(schema?.parse(withNews(sample))).toEqual(read);
  });

  test("there is an example of each", () => {
    expect(samples.map(([name]) => name).toSorted()).toEqual(Object.keys(messages).toSorted());
  });
});

describe("each version of the api", () => {
  type Samples = Record<string, { request: unknown; reply: unknown }>;
  const first = golden("api.v1") as Samples;
  const second = golden("api.v2") as Samples;

  test.each(protocol.apiMethods)("%s is understood, question and answer", (method) => {
    const samples = [first[method], second[method]].filter((sample) => sample !== undefined);
    expect(samples).not.toEqual([]);
    for (const { request, reply } of samples) {
      protocol.api[method].request.parse(request);
      expect(protocol.api[method].reply.parse(reply)).toMatchObject(reply as object);
    }
  });
});

describe("version 1 of the console's feed", () => {
  type Messages = Record<string, unknown>;
  const { frames, requests } = golden("console-feed.v1") as {
    frames: Messages;
    requests: Messages;
  };

  test.each(Object.entries(frames))(
    "a %s is read without a loss, and with unknown fields",
    (_, frame) => {
      expect(protocol.FeedFrame.parse(frame)).toEqual(frame);
      expect(protocol.FeedFrame.parse(withNews(frame))).toEqual(frame);
    },
  );

  test.each(Object.entries(requests))("a page's %s is understood", (_, request) => {
    expect(protocol.FeedRequest.parse(request)).toEqual(request);
  });

  test("there is an example of each", () => {
    const known = [protocol.FeedFrame, protocol.FeedRequest].flatMap(({ options }) =>
      options.map(({ shape }) => shape.type.value),
    );
    expect([...Object.keys(frames), ...Object.keys(requests)].toSorted()).toEqual(known.toSorted());
  });
});

test("an error code that this version does not know is read as unknown", () => {
  const error = { code: "from.the.future", message: "?", retryable: false };
  expect(protocol.WireError.parse(error)).toMatchObject({ code: "unknown", hint: null });
});

test("an error crosses the wire and keeps what callers branch on", () => {
  const problem = {
    document: 0,
    path: ["count"],
    message: "at least 1",
    value: "0",
    suggestion: null,
  };
  const error = new protocol.BerthError("spec.invalid", "1 problem", {
    hint: "fix it",
    details: { near: ["web"] },
    problems: [problem],
  });
  const back = protocol.BerthError.fromWire(protocol.WireError.parse(error.toWire()));
  expect(back).toMatchObject({ code: "spec.invalid", hint: "fix it", problems: [problem] });
});
