import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type InboxGroup, type InboxItem, type InboxPicture, isInboxPicture, readFromKernel } from "../src/protocol";
import { changesOf } from "../src/views/inbox/diff";
import { Order } from "../src/views/inbox/order";
import { complaintsOf, flagOf, initial, isPlain, kindOf, readSchema, resolved, type Schema } from "../src/views/inbox/schema";

type Keys<T> = Readonly<Record<keyof T, true>>;
const item: Keys<InboxItem> = {
  id: true, key: true, instance_id: true, wait_id: true, workflow: true, event: true, since: true, until: true, title: true, schema: true, risk: true, requester: true,
  parent: true, assignee: true, snoozed: true, is_ignored: true,
};
const group: Keys<InboxGroup> = { workflow: true, event: true, count: true, until: true };
const picture: Keys<InboxPicture> = {
  view: true, lab: true, user: true, now: true, ticks: true, is_over: true, items: true, total: true, groups: true, schemas: true,
  others: true, trouble: true,
};

function sameKeys(value: unknown, keys: Readonly<Record<string, true>>): void {
  assert.deepEqual(Object.keys(value as object).sort(), Object.keys(keys).sort());
}

test("an inbox is read as in the sample, with the fields that Python sends", () => {
  const read = readFromKernel(JSON.parse(readFileSync("../tests/protocol/inbox.json", "utf8")));
  assert.ok(read?.type === "picture" && isInboxPicture(read.picture));
  sameKeys(read.picture, picture);
  for (const found of read.picture.items) sameKeys(found, item);
  for (const found of read.picture.groups) sameKeys(found, group);
});

const schema: Schema = {
  type: "object",
  $defs: { Address: { type: "object", properties: { city: { type: "string", minLength: 1 }, land: { type: "string", default: "CH" } }, required: ["city"] } },
  properties: {
    approved: { type: "boolean" },
    note: { anyOf: [{ type: "string", maxLength: 5 }, { type: "null" }], default: null },
    size: { type: "integer", minimum: 1, exclusiveMaximum: 10, default: 3 },
    at: { type: "string", format: "date" },
    colour: { enum: ["red", 2, null] },
    tags: { type: "array", items: { type: "string", pattern: "^[a-z]+$" }, maxItems: 2 },
    address: { $ref: "#/$defs/Address" },
  },
  required: ["approved", "address"],
};

test("the kinds of fields follow the types, through references and what may be null", () => {
  const parts = schema["properties"] as Record<string, Schema>;
  const kinds = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, kindOf(resolved(part, schema))]));
  assert.deepEqual(kinds, { approved: "boolean", note: "text", size: "integer", at: "date", colour: "choice", tags: "list", address: "object" });
  assert.deepEqual(initial(resolved(schema, schema), schema), { note: null, size: 3, address: { land: "CH" } });
});

test("a reference in a circle ends somewhere", () => {
  const circle: Schema = { $ref: "#/$defs/A", $defs: { A: { $ref: "#/$defs/A" } } };
  assert.deepEqual(kindOf(resolved(circle, circle)), "json");
});

test("what does not fit is told at its place", () => {
  const told = (value: unknown): string[] => complaintsOf(schema, value).map(({ path, text }) => `${path}: ${text}`);
  const good = { approved: true, note: null, size: 9, at: "2026-11-27", colour: 2, tags: ["a"], address: { city: "Bern" } };
  assert.deepEqual(told(good), []);
  assert.deepEqual(told({ ...good, address: {} }), ["address.city: is required"]);
  assert.deepEqual(told({ ...good, address: { city: "" } }), ["address.city: is required"]);
  assert.deepEqual(told({ ...good, note: "abcdef" }), ["note: takes at most 5 characters, not 6"]);
  assert.deepEqual(told({ ...good, size: 10 }), ["size: must be less than 10"]);
  assert.deepEqual(told({ ...good, size: 1.5 }), ["size: must be a whole number"]);
  assert.deepEqual(told({ ...good, at: "tomorrow" }), ["at: must be a date, such as 2026-11-27"]);
  assert.deepEqual(told({ ...good, colour: "blue" }), ["colour: choose one of the list"]);
  assert.deepEqual(told({ ...good, tags: ["a", "B", "c"] }), ["tags: takes at most 2 entries, not 3", "tags.1: must look like ^[a-z]+$"]);
  assert.deepEqual(told({}), ["approved: is required", "address: is required"]);
});

test("a yes or no is found in a schema, or it is one by itself", () => {
  assert.equal(flagOf(schema), "approved");
  assert.equal(flagOf({ type: "object", properties: { ok: { type: "string" } } }), null);
  assert.ok(isPlain(null) && isPlain({ type: "boolean" }) && !isPlain(schema));
  assert.equal(readSchema("[]"), null);
  assert.equal(readSchema("{"), null);
});

test("an edit is told place by place", () => {
  assert.deepEqual(changesOf({ a: 1, b: { c: 2 } }, { a: 1, b: { c: 3, d: 4 } }), [
    { path: "b.c", was: 2, is: 3 },
    { path: "b.d", was: undefined, is: 4 },
  ]);
});

test("what is new stands last until the list is sorted", () => {
  const one = (id: string): InboxItem => ({ id }) as InboxItem;
  const order = new Order();
  const ids = (...names: string[]): string[] => order.follow(names.map(one)).map(({ id }) => id);
  assert.deepEqual(ids("a", "b"), ["a", "b"]);
  assert.deepEqual(ids("c", "a", "b"), ["a", "b", "c"]);
  assert.equal(order.fresh, 1);
  assert.deepEqual(ids("c", "b"), ["b", "c"]);
  order.sort();
  assert.deepEqual(ids("c", "b"), ["c", "b"]);
  assert.equal(order.fresh, 0);
});
