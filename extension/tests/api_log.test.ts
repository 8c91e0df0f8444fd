import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type ApiCallDetail, type ApiCallRow, type ApiLogFilter, type ApiLogPicture, type CallGroup, isApiCallDetail, isApiLogPicture, readFromKernel } from "../src/protocol";
import { bytesText, NOTHING, said, sentence, tookText } from "../src/views/api_log/words";

type Keys<T> = Readonly<Record<keyof T, true>>;
const picture: Keys<ApiLogPicture> = {
  view: true, now: true, ticks: true, is_over: true, lab: true, filter: true, code: true, apps: true, apis: true, total: true, failed: true, everything: true, p50: true, p95: true,
  begin: true, end: true, bins: true, calls: true, first: true, page: true, order: true, is_paused: true, newer: true, dropped: true, served: true, trouble: true,
};
const filter: Keys<ApiLogFilter> = { app: true, api: true, outcome: true, since: true, until: true, text: true, trace: true };
const group: Keys<CallGroup> = { name: true, count: true, failed: true };
const row: Keys<ApiCallRow> = { place: true, at: true, app: true, api: true, method: true, target: true, status: true, is_failed: true, took_ms: true, caller: true, error: true };
const detail: Keys<ApiCallDetail> = { call: true, trace: true, request_bytes: true, response_bytes: true, instance_id: true, workflow: true, others: true, others_total: true };

function sameKeys(value: unknown, keys: Readonly<Record<string, true>>): void {
  assert.deepEqual(Object.keys(value as object).sort(), Object.keys(keys).sort());
}

function sample(): ApiLogPicture {
  const read = readFromKernel(JSON.parse(readFileSync("../tests/protocol/api_log.json", "utf8")));
  assert.ok(read?.type === "picture" && isApiLogPicture(read.picture));
  return read.picture;
}

test("an API log is read as in the sample, with the fields that Python sends", () => {
  const read = sample();
  sameKeys(read, picture);
  sameKeys(read.filter, filter);
  for (const found of [...read.apps, ...read.apis]) sameKeys(found, group);
  for (const found of read.calls) sameKeys(found, row);
});

test("a call's details are read as in the sample", () => {
  const read: unknown = JSON.parse(readFileSync("../tests/protocol/api_call.json", "utf8"));
  assert.ok(isApiCallDetail(read));
  sameKeys(read, detail);
  for (const found of [read.call, ...read.others]) sameKeys(found, row);
});

test("lengths of time and sizes have as many digits as they deserve", () => {
  assert.deepEqual([null, 0.04, 9.96, 10, 999, 1000, 61_234].map(tookText), ["–", "0.0 ms", "10.0 ms", "10 ms", "999 ms", "1 s", "61.2 s"]);
  assert.deepEqual([null, 0, 1023, 1536, 3 * 1024 * 1024].map(bytesText), ["–", "0 bytes", "1,023 bytes", "1.5 KiB", "3.0 MiB"]);
});

test("the sentence counts what came while the table stood still", () => {
  assert.equal(sentence({ ...sample(), newer: 3 }), "8 calls, 1 failed, half took up to 2.5 ms, 95% up to 1.23 s.");
});

test("no filter has no parts, and each part says how it is dropped", () => {
  assert.deepEqual(said(NOTHING), []);
  assert.deepEqual(said({ ...NOTHING, app: "", outcome: "failed" }), [["app=the lab", { app: null }], ["failed", { outcome: "" }]]);
});
